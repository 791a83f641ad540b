import { SetupForm } from "../../components/accounts/setup-form.tsx";

export const metadata = { title: "First account" };

export default function SetupPage() {
  return <SetupForm />;
}
