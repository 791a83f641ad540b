"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CirclePause, CirclePlay, Download, Ellipsis, Play, Trash2, Undo2 } from "lucide-react";
import { useState } from "react";
import type { FlowSummary } from "../../server/trpc/contract/flows.ts";
import { sayLeftRecorders } from "../connections/left-recorders.ts";
import { UndoSinceDialog } from "../runs/undo-since-dialog.tsx";
import { sayFailure } from "../server/act.ts";
import { useMay } from "../server/me.tsx";
import { useTRPC, useTRPCClient } from "../server/trpc.ts";
import { IconButton } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Menu, MenuItem, MenuLink, MenuSeparator } from "../ui/menu.tsx";
import { toast } from "../ui/toast.tsx";

/** What can be done with a flow from the list. */
export function FlowMenu({ flow }: { flow: Pick<FlowSummary, "id" | "name" | "paused" | "liveVersion"> }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const mayOperate = useMay("operator");
  const mayRemove = useMay("admin");
  const [asking, setAsking] = useState<"stop" | "undo" | "remove" | null>(null);
  const refresh = async () => {
    setAsking(null);
    await Promise.all([
      queries.invalidateQueries(trpc.flows.pathFilter()),
      queries.invalidateQueries(trpc.home.pathFilter()),
    ]);
  };
  const pause = useMutation(
    trpc.flows.pause.mutationOptions({ ...sayFailure(`“${flow.name}” could not be stopped`), onSettled: refresh }),
  );
  const resume = useMutation(
    trpc.flows.resume.mutationOptions({ ...sayFailure(`“${flow.name}” could not be resumed`), onSettled: refresh }),
  );
  const remove = useMutation(
    trpc.flows.remove.mutationOptions({
      ...sayFailure(`“${flow.name}” could not be removed`),
      onSuccess: ({ recorders }) => sayLeftRecorders(recorders),
      onSettled: refresh,
    }),
  );
  const save = useMutation({
    ...sayFailure(`“${flow.name}” could not be exported`),
    mutationFn: async () => {
      const { document: content } = await client.flows.get.query({ flowId: flow.id });
      const { stringify } = await import("yaml");
      download(
        `${
          flow.name
            .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
            .replaceAll(/^-|-$/g, "")
            .toLowerCase() || "flow"
        }.yaml`,
        stringify(content),
      );
    },
    onSuccess: () => toast({ title: `“${flow.name}” is exported as YAML` }),
  });
  return (
    <>
      <Menu trigger={<IconButton label={`More for ${flow.name}`} icon={Ellipsis} />}>
        <MenuLink icon={Play} href={`/runs?flow=${encodeURIComponent(flow.id)}`}>
          Its runs
        </MenuLink>
        <MenuItem icon={Download} onSelect={() => save.mutate()}>
          Export
        </MenuItem>
        {mayOperate &&
          flow.liveVersion !== null &&
          (flow.paused ? (
            <MenuItem icon={CirclePlay} onSelect={() => resume.mutate({ flowId: flow.id })}>
              Resume
            </MenuItem>
          ) : (
            <MenuItem icon={CirclePause} onSelect={() => setAsking("stop")}>
              Stop…
            </MenuItem>
          ))}
        {mayOperate && flow.liveVersion !== null && (
          <MenuItem icon={Undo2} onSelect={() => setAsking("undo")}>
            Undo everything since…
          </MenuItem>
        )}
        {mayRemove && (
          <>
            <MenuSeparator />
            <MenuItem icon={Trash2} danger onSelect={() => setAsking("remove")}>
              Remove…
            </MenuItem>
          </>
        )}
      </Menu>
      {asking === "undo" && <UndoSinceDialog flow={flow} onClose={() => setAsking(null)} />}
      <ConfirmDialog
        open={asking === "stop"}
        onClose={() => setAsking(null)}
        busy={pause.isPending}
        title={`Stop “${flow.name}”: no new run starts, and a running one halts at its next page`}
        action="Stop the flow"
        onConfirm={() => pause.mutate({ flowId: flow.id })}
      >
        Resume it at any time; it goes on where it stands.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === "remove"}
        onClose={() => setAsking(null)}
        danger
        busy={remove.isPending}
        title={`Remove “${flow.name}”: it never runs again`}
        action="Remove the flow"
        onConfirm={() => remove.mutate({ flowId: flow.id })}
      >
        Its runs and their changes stay and can still be undone.
      </ConfirmDialog>
    </>
  );
}

function download(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  const link = window.document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
