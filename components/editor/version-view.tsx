"use client";
import { useQuery } from "@tanstack/react-query";
import { PenLine } from "lucide-react";
import { readDraft } from "../../engine/flow/read-draft.ts";
import { flowToYaml } from "../../engine/flow/text.ts";
import { FlowCanvas } from "../canvas/flow-canvas.tsx";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { ButtonLink } from "../ui/button.tsx";
import { CodeBlock } from "../ui/code.tsx";
import { EditorSkeleton } from "./editor-skeleton.tsx";

/** One published version to look at: the canvas as it was, and its document. */
export function VersionView({ flowId, version }: { flowId: string; version: number }) {
  const trpc = useTRPC();
  const query = useQuery(trpc.flows.version.queryOptions({ flowId, version }));
  return (
    <Loaded
      query={query}
      what={`Version ${version} could not be loaded`}
      missing={{ title: `There is no version ${version} of this flow`, href: `/flows/${flowId}`, go: "Open the draft" }}
      skeleton={<EditorSkeleton />}
    >
      {({ document, changes }) => {
        const { flow } = readDraft(document);
        return (
          <div className="absolute inset-0 flex flex-col bg-ground">
            <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface px-3 py-1.5">
              <h1 className="text-heading font-semibold text-ink">{flow.name}</h1>
              <span className="text-work text-muted">Version {version}, as it was published</span>
              <ButtonLink large icon={PenLine} href={`/flows/${flowId}`} className="ml-auto">
                Open the draft
              </ButtonLink>
            </header>
            <div className="flex min-h-0 flex-1 max-md:flex-col">
              <div className="relative min-h-0 min-w-0 flex-1">
                <FlowCanvas flow={flow} label={`Canvas of ${flow.name}, version ${version}`} />
              </div>
              <aside
                aria-label="Document"
                className="thin-scroll overflow-y-auto border-line bg-surface p-3 max-md:max-h-[40dvh] max-md:border-t md:w-110 md:border-l"
              >
                {changes.length > 0 && (
                  <>
                    <h2 className="text-work font-medium text-ink">Changed with this version</h2>
                    <ul className="mb-3 list-disc pl-5 text-work text-muted">
                      {changes.map((change) => (
                        <li key={change}>{change}</li>
                      ))}
                    </ul>
                  </>
                )}
                <CodeBlock text={flowToYaml(flow)} label="the document" wrap className="[&_pre]:max-h-none" />
              </aside>
            </div>
          </div>
        );
      }}
    </Loaded>
  );
}
