"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Radio, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { readFailure } from "../server/failure.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { CodeBlock } from "../ui/code.tsx";
import { ConfirmDialog, Dialog } from "../ui/dialog.tsx";
import { Disclosure } from "../ui/disclosure.tsx";
import { Notice, SkeletonRows } from "../ui/states.tsx";
import { toast } from "../ui/toast.tsx";
import type { StreamInfo } from "./data-types.ts";

type Place = { connectionId: string; stream: StreamInfo };

/**
 * Whether the changes of a stream are recorded, so that flows can follow it; and the ways to change that.
 * @param keeps offers no way to stop it: a flow is being made that needs it
 */
export function WatchStream({ connectionId, stream, keeps }: Place & { keeps?: boolean }) {
  const [asking, setAsking] = useState<"install" | "remove" | null>(null);
  const mayBuild = useMay("builder");
  const { watch } = stream;
  if (!watch) return null;
  const close = () => setAsking(null);
  const on = watch.state === "on";
  const can = watch.state !== "impossible";
  const action = mayBuild && can && !(on && keeps) && (
    <Button onClick={() => setAsking(on ? "remove" : "install")}>{on ? "Stop recording…" : "Record changes…"}</Button>
  );
  return (
    <>
      <Notice
        tone={on ? "ok" : watch.state === "broken" ? "bad" : "run"}
        icon={watch.state === "broken" ? TriangleAlert : Radio}
        action={action}
      >
        {on
          ? `Changes of ${stream.name} are recorded: a flow can start as soon as a record changes.`
          : (watch.note ?? `${stream.name} cannot be followed as it changes.`)}
      </Notice>
      {asking === "install" && <InstallWatch connectionId={connectionId} stream={stream} onClose={close} />}
      {asking === "remove" && <RemoveWatch connectionId={connectionId} stream={stream} onClose={close} />}
    </>
  );
}

/** Asked anew each time a dialog opens: what it says decides. */
function useWatch(id: string, stream: string) {
  const trpc = useTRPC();
  return useQuery(trpc.connections.watch.queryOptions({ id, stream }, { staleTime: 0, gcTime: 0 }));
}

/** What the streams are now is asked anew. */
function useRefresh() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  return async () => {
    const parts = [trpc.connections.offers, trpc.connections.watch, trpc.flows.get];
    await Promise.all(parts.map((part) => queries.invalidateQueries(part.pathFilter())));
  };
}

/** Says in plain words what would be made in the system, and does it on request. */
function InstallWatch({ connectionId, stream, onClose }: Place & { onClose: () => void }) {
  const trpc = useTRPC();
  const refresh = useRefresh();
  const detail = useWatch(connectionId, stream.name);
  const install = useMutation(
    trpc.connections.installWatch.mutationOptions({
      onSuccess: async () => {
        toast({ title: `Changes of ${stream.name} are recorded` });
        await refresh();
        onClose();
      },
    }),
  );
  const refused = detail.data?.watch.state === "refused";
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Record the changes of ${stream.name}`}
      description="So that flows start as soon as a record changes, this is made in the system itself:"
      footer={
        <>
          <Button large onClick={onClose}>
            Leave it
          </Button>
          <Button
            look="primary"
            large
            busy={install.isPending}
            disabled={!detail.data?.plan || refused}
            onClick={() => install.mutate({ id: connectionId, stream: stream.name })}
          >
            Make it
          </Button>
        </>
      }
    >
      <Loaded query={detail} what="What would be made could not be found out" skeleton={<SkeletonRows />}>
        {({ plan, watch }) => (
          <div className="flex flex-col gap-3 text-work text-ink">
            <ul className="list-disc space-y-1.5 pl-5">
              {plan?.summary.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
            {refused && (
              <Notice tone="warn" icon={TriangleAlert}>
                {watch.note}
              </Notice>
            )}
            {install.isError && (
              <Notice tone="bad" icon={TriangleAlert}>
                {readFailure(install.error).message}
              </Notice>
            )}
            {plan && (
              <Disclosure title="The same as a script, for the administrator" initiallyOpen={refused}>
                <CodeBlock text={plan.script} label="the script" />
              </Disclosure>
            )}
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}

function RemoveWatch({ connectionId, stream, onClose }: Place & { onClose: () => void }) {
  const trpc = useTRPC();
  const refresh = useRefresh();
  const detail = useWatch(connectionId, stream.name);
  const remove = useMutation(
    trpc.connections.removeWatch.mutationOptions({
      ...sayFailure(`The recording of ${stream.name} could not be stopped`),
      onSuccess: async () => {
        toast({ title: `Changes of ${stream.name} are not recorded any more` });
        await refresh();
        onClose();
      },
    }),
  );
  const flows = detail.data?.flows ?? [];
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      danger
      busy={remove.isPending || detail.isPending}
      title={
        flows.length > 0
          ? `Flows follow the changes of ${stream.name}`
          : `Stop recording the changes of ${stream.name}: its triggers and what they recorded are removed`
      }
      action={flows.length > 0 ? undefined : "Remove them"}
      onConfirm={() => remove.mutate({ id: connectionId, stream: stream.name })}
    >
      {flows.length > 0 ? (
        <>
          Let these read another way first:{" "}
          {flows.map(({ id, name }, at) => (
            <span key={id}>
              {at > 0 && ", "}
              <Link href={`/flows/${id}`} className="underline">
                {name}
              </Link>
            </span>
          ))}
        </>
      ) : (
        "No flow follows it. The table itself and its records are not touched."
      )}
    </ConfirmDialog>
  );
}
