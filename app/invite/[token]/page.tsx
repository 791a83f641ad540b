import { InvitationForm } from "../../../components/accounts/invitation-form.tsx";

export const metadata = { title: "Invitation" };

export default async function InvitationPage({ params }: { params: Promise<{ token: string }> }) {
  return <InvitationForm token={(await params).token} />;
}
