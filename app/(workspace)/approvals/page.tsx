import { ApprovalsPage } from "../../../components/approvals/approvals-page.tsx";

export const metadata = { title: "Approvals" };

export default function Page() {
  return <ApprovalsPage />;
}
