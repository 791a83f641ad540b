"use client";
import { useQuery } from "@tanstack/react-query";
import { Editor } from "../../../../../components/editor/editor.tsx";
import { EditorSkeleton } from "../../../../../components/editor/editor-skeleton.tsx";
import { VersionView } from "../../../../../components/editor/version-view.tsx";
import { Loaded } from "../../../../../components/server/loaded.tsx";
import { useTRPC } from "../../../../../components/server/trpc.ts";

/** The draft, fresh from the server each time the page is opened; or one published version to look at. */
export function FlowEditor({ flowId, version }: { flowId: string; version: number | null }) {
  const trpc = useTRPC();
  const flow = useQuery(trpc.flows.get.queryOptions({ flowId }, { refetchOnMount: "always" }));
  if (version !== null) return <VersionView flowId={flowId} version={version} />;
  // An answer from an earlier visit may be older than what was saved since: editing begins with a fresh one.
  const fresh = flow.isFetchedAfterMount || flow.data === undefined;
  if (!fresh) return <EditorSkeleton />;
  return (
    <Loaded
      query={flow}
      what="The flow could not be loaded"
      missing={{ title: "There is no such flow", href: "/flows", go: "All flows" }}
      skeleton={<EditorSkeleton />}
    >
      {(detail) => <Editor detail={detail} />}
    </Loaded>
  );
}
