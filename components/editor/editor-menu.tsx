"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  CalendarClock,
  CirclePause,
  CirclePlay,
  Download,
  Ellipsis,
  History,
  Inbox,
  LayoutGrid,
  Trash2,
  Undo2,
  Upload,
} from "lucide-react";
import { useRouter } from "next/navigation";
import { useRef, useState } from "react";
import { readDraft } from "../../engine/flow/read-draft.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import { flowToYaml, readDraftText } from "../../engine/flow/text.ts";
import type { Shape } from "../../engine/steps/define-step.ts";
import { withPlaces } from "../canvas/arrange.ts";
import { sayLeftRecorders } from "../connections/left-recorders.ts";
import { DocumentInput } from "../flows/document-input.tsx";
import { PastRangeDialog } from "../runs/past-range-dialog.tsx";
import { UndoSinceDialog } from "../runs/undo-since-dialog.tsx";
import { sayFailure } from "../server/act.ts";
import { useMay } from "../server/me.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { IconButton } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Menu, MenuItem, MenuLink, MenuSeparator } from "../ui/menu.tsx";
import { toast } from "../ui/toast.tsx";
import { useEditor } from "./editor-context.tsx";
import { startsWithEvents } from "./starts-with-events.ts";
import { VersionsDialog } from "./versions-dialog.tsx";

/** What is done with the flow as a whole and not every day. */
export function EditorMenu({
  detail,
  onArrange,
  onImport,
}: {
  detail: Pick<Outputs["flows"]["get"], "live" | "paused">;
  onArrange: () => void;
  onImport: (flow: Flow) => void;
}) {
  const { flow, flowId, readOnly, shapes } = useEditor();
  const mayBuild = useMay("builder");
  const trpc = useTRPC();
  const queries = useQueryClient();
  const router = useRouter();
  const mayOperate = useMay("operator");
  const mayRemove = useMay("admin");
  const file = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState<"stop" | "undo" | "range" | "remove" | "versions" | null>(null);
  const live = useQuery(
    trpc.flows.version.queryOptions(
      { flowId, version: detail.live?.version ?? 1 },
      { enabled: detail.live !== null, staleTime: Number.POSITIVE_INFINITY },
    ),
  );
  const liveRead = live.data && readDraft(live.data.document).flow.steps.find(({ kind }) => kind === "read");
  const watermark = liveRead?.kind === "read" && liveRead.sync !== "full" ? liveRead.watermark : undefined;
  const refresh = () => {
    setOpen(null);
    return queries.invalidateQueries(trpc.flows.pathFilter());
  };
  const pause = useMutation(
    trpc.flows.pause.mutationOptions({ ...sayFailure("The flow could not be stopped"), onSettled: refresh }),
  );
  const resume = useMutation(
    trpc.flows.resume.mutationOptions({ ...sayFailure("The flow could not be resumed"), onSettled: refresh }),
  );
  const remove = useMutation(
    trpc.flows.remove.mutationOptions({
      ...sayFailure("The flow could not be removed"),
      onSuccess: ({ recorders }) => {
        sayLeftRecorders(recorders);
        router.push("/flows");
        queries.invalidateQueries(trpc.flows.list.pathFilter());
      },
    }),
  );
  const read = async (chosen: File) => {
    const draft = readDraftText(await chosen.text());
    if (draft.flow.steps.length === 0) {
      const why = draft.problems[0]?.message ?? "It has no steps.";
      toast({ kind: "failed", title: `“${chosen.name}” could not be imported`, description: why });
      return;
    }
    onImport(withPlaces(draft.flow));
    const left = draft.broken.length;
    toast({
      title: `“${chosen.name}” took the place of the draft`,
      description:
        left > 0
          ? `${left} of its steps could not be read and were left out. Undo brings the old draft back.`
          : "Undo brings the old draft back.",
    });
  };
  return (
    <>
      <DocumentInput input={file} onFile={read} />
      <Menu trigger={<IconButton label="More" icon={Ellipsis} />}>
        {!readOnly && (
          <MenuItem icon={LayoutGrid} onSelect={onArrange}>
            Arrange the steps
          </MenuItem>
        )}
        {startsWithEvents(flow) && (
          <MenuLink icon={Inbox} href={`/flows/${flowId}/deliveries`}>
            Deliveries
          </MenuLink>
        )}
        <MenuItem icon={History} onSelect={() => setOpen("versions")}>
          Versions
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={Download} onSelect={() => download(flow.name, "yaml", flowToYaml(flow))}>
          Export as YAML
        </MenuItem>
        <MenuItem icon={Download} onSelect={() => download(flow.name, "json", `${JSON.stringify(flow, null, 2)}\n`)}>
          Export as JSON
        </MenuItem>
        {!readOnly && (
          <MenuItem icon={Upload} onSelect={() => file.current?.click()}>
            Import into this draft…
          </MenuItem>
        )}
        {mayOperate && detail.live && (
          <>
            <MenuSeparator />
            {detail.paused ? (
              <MenuItem icon={CirclePlay} onSelect={() => resume.mutate({ flowId })}>
                Resume
              </MenuItem>
            ) : (
              <MenuItem icon={CirclePause} onSelect={() => setOpen("stop")}>
                Stop…
              </MenuItem>
            )}
            {watermark !== undefined && !detail.paused && mayBuild && (
              <MenuItem icon={CalendarClock} onSelect={() => setOpen("range")}>
                Read a past range again…
              </MenuItem>
            )}
            <MenuItem icon={Undo2} onSelect={() => setOpen("undo")}>
              Undo everything since…
            </MenuItem>
          </>
        )}
        {mayRemove && (
          <>
            <MenuSeparator />
            <MenuItem icon={Trash2} danger onSelect={() => setOpen("remove")}>
              Remove the flow…
            </MenuItem>
          </>
        )}
      </Menu>
      {open === "versions" && <VersionsDialog onClose={() => setOpen(null)} live={detail.live?.version ?? null} />}
      {open === "range" && watermark !== undefined && liveRead && (
        <PastRangeDialog
          flowId={flowId}
          watermark={watermark}
          type={fieldType(watermark, shapes[liveRead.id]?.output)}
          onClose={() => setOpen(null)}
        />
      )}
      {open === "undo" && (
        <UndoSinceDialog flow={{ id: flowId, name: flow.name, paused: detail.paused }} onClose={() => setOpen(null)} />
      )}
      <ConfirmDialog
        open={open === "stop"}
        onClose={() => setOpen(null)}
        busy={pause.isPending}
        title={`Stop “${flow.name}”: no new run starts, and a running one halts at its next page`}
        action="Stop the flow"
        onConfirm={() => pause.mutate({ flowId })}
      >
        Resume it at any time; it goes on where it stands.
      </ConfirmDialog>
      <ConfirmDialog
        open={open === "remove"}
        onClose={() => setOpen(null)}
        danger
        busy={remove.isPending}
        title={`Remove “${flow.name}”: it never runs again`}
        action="Remove the flow"
        onConfirm={() => remove.mutate({ flowId })}
      >
        Its runs and their changes stay and can still be undone.
      </ConfirmDialog>
    </>
  );
}

/** What a field of the trigger holds, as far as it is known. */
function fieldType(name: string, output: { [port: string]: Shape } | undefined): string | undefined {
  return Object.values(output ?? {})[0]?.fields.find((field) => field.name === name)?.type;
}

function download(name: string, ending: "yaml" | "json", text: string) {
  const base = name
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-|-$/g, "")
    .toLowerCase();
  const url = URL.createObjectURL(new Blob([text], { type: `application/${ending}` }));
  const link = window.document.createElement("a");
  link.href = url;
  link.download = `${base || "flow"}.${ending}`;
  link.click();
  URL.revokeObjectURL(url);
}
