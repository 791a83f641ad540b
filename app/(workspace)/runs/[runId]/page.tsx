import { RunPage } from "../../../../components/runs/run-page.tsx";

export async function generateMetadata({ params }: { params: Promise<{ runId: string }> }) {
  return { title: `Run ${(await params).runId}` };
}

export default async function Page({ params }: { params: Promise<{ runId: string }> }) {
  const { runId } = await params;
  return <RunPage key={runId} runId={runId} />;
}
