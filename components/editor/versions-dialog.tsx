"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Eye, History } from "lucide-react";
import { readDraft } from "../../engine/flow/read-draft.ts";
import { withPlaces } from "../canvas/arrange.ts";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC, useTRPCClient } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Badge } from "../ui/pill.tsx";
import { EmptyState } from "../ui/states.tsx";
import { toast } from "../ui/toast.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { useEditor } from "./editor-context.tsx";

/** Every published version with its note and changes; one can be looked at, or taken back into the draft. */
export function VersionsDialog({ onClose, live }: { onClose: () => void; live: number | null }) {
  const { flowId, act, readOnly } = useEditor();
  const trpc = useTRPC();
  const client = useTRPCClient();
  const versions = useQuery(trpc.flows.versions.queryOptions({ flowId }));
  const restore = useMutation({
    mutationFn: (version: number) => client.flows.version.query({ flowId, version }),
    onSuccess: ({ document, version }) => {
      act({ type: "replaceFlow", flow: withPlaces(readDraft(document).flow) });
      toast({ title: `Version ${version} is the draft again`, description: "Undo brings back what was there." });
      onClose();
    },
    ...sayFailure("The version could not be restored"),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Versions"
      description="Runs name the version they ran. Restoring changes only the draft."
    >
      <Loaded query={versions} what="The versions could not be loaded">
        {(list) =>
          list.length === 0 ? (
            <EmptyState compact icon={History} title="This flow was never published">
              Each time it is published, a version is kept here with its note and what changed. Until then there is only
              the draft.
            </EmptyState>
          ) : (
            <ol className="-my-2 divide-y divide-line">
              {list.map(({ version, note, publishedAt, publishedBy, changes }) => (
                <li key={version} className="flex items-start gap-3 py-2.5">
                  <span className="w-8 shrink-0 font-mono text-work text-ink">v{version}</span>
                  <div className="min-w-0 flex-1">
                    <p className="text-work text-ink">
                      {note} {version === live && <Badge tone="ok">live</Badge>}
                    </p>
                    <p className="text-caption text-muted">
                      <RelativeTime at={publishedAt} /> by {publishedBy}
                    </p>
                    {changes.length > 0 && (
                      <ul className="mt-1 list-disc pl-4 text-caption text-muted">
                        {changes.slice(0, 6).map((change) => (
                          <li key={change}>{change}</li>
                        ))}
                        {changes.length > 6 && <li>and {changes.length - 6} more</li>}
                      </ul>
                    )}
                  </div>
                  <ButtonLink icon={Eye} href={`/flows/${flowId}?version=${version}`}>
                    View
                  </ButtonLink>
                  {!readOnly && (
                    <Button
                      icon={History}
                      busy={restore.isPending && restore.variables === version}
                      disabled={restore.isPending}
                      onClick={() => restore.mutate(version)}
                    >
                      Restore
                    </Button>
                  )}
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </Dialog>
  );
}
