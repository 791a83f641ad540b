import { DeliveriesPage } from "../../../../../components/deliveries/deliveries-page.tsx";

export const metadata = { title: "Deliveries" };

export default async function Page({ params }: { params: Promise<{ flowId: string }> }) {
  const { flowId } = await params;
  return <DeliveriesPage flowId={flowId} />;
}
