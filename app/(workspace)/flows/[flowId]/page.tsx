import { FlowEditor } from "./_components/flow-editor.tsx";

export const metadata = { title: "Flow" };

export default async function Page({
  params,
  searchParams,
}: {
  params: Promise<{ flowId: string }>;
  searchParams: Promise<{ version?: string }>;
}) {
  const { flowId } = await params;
  const { version } = await searchParams;
  const wanted = /^[1-9]\d{0,8}$/.test(version ?? "") ? Number(version) : null;
  return <FlowEditor key={flowId} flowId={flowId} version={wanted} />;
}
