import { RecordsPage } from "../../../components/records/records-page.tsx";

export const metadata = { title: "Record" };

export default function Page() {
  return <RecordsPage />;
}
