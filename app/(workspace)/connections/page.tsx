import { ConnectionsPage } from "../../../components/connections/connections-page.tsx";

export const metadata = { title: "Connections" };

export default function Page() {
  return <ConnectionsPage />;
}
