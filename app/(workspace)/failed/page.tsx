import { FailedPage } from "../../../components/failed/failed-page.tsx";

export const metadata = { title: "Failed records" };

export default function Page() {
  return <FailedPage />;
}
