"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import type { DeliveryItem } from "../../server/trpc/contract/runs.ts";
import { sayFailure } from "../server/act.ts";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { CodeBlock, RecordView } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Disclosure } from "../ui/disclosure.tsx";
import { count, formatNumber } from "../ui/format.ts";
import { toast } from "../ui/toast.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { DeliveryResult } from "./delivery-result.tsx";
import { readableBody } from "./readable-body.ts";

/** One delivery with its headers and body, and a way to take it in once more. */
export function DeliveryDialog({
  delivery,
  onClose,
  onReplayed,
}: {
  delivery: DeliveryItem;
  onClose: () => void;
  onReplayed: (id: string) => void;
}) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const mayOperate = useMay("operator");
  const replay = useMutation(
    trpc.deliveries.replay.mutationOptions({
      ...sayFailure(`Delivery ${delivery.id} could not be sent again`),
      async onSuccess({ id }) {
        await queries.invalidateQueries({ queryKey: trpc.deliveries.list.pathKey() });
        toast({ kind: "done", title: `Delivery ${delivery.id} is sent again as run ${id}` });
        onReplayed(id);
      },
    }),
  );
  const { repeats, lastRepeatAt, replayOf, sentBy } = delivery;
  return (
    <Dialog
      open
      onClose={onClose}
      width="wide"
      title={`Delivery ${delivery.id}`}
      description={
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <DeliveryResult delivery={delivery} />
          <RelativeTime at={delivery.at} />
          {repeats > 0 && lastRepeatAt && (
            <span>
              · came {count(repeats, "more time", "more times")}, last <RelativeTime at={lastRepeatAt} />; taken in once
            </span>
          )}
          {replayOf !== null && (
            <span>
              · delivery {replayOf}, sent again by {sentBy}
            </span>
          )}
        </span>
      }
      footer={
        <>
          <ButtonLink href={`/runs/${delivery.runId}`}>Open run {delivery.runId}</ButtonLink>
          {mayOperate && (
            <Button
              look="primary"
              icon={RotateCcw}
              busy={replay.isPending}
              onClick={() => replay.mutate({ id: delivery.id })}
            >
              Replay
            </Button>
          )}
        </>
      }
    >
      <h3 className="mb-1 text-work font-medium text-ink">
        Body <span className="font-normal text-muted">{formatNumber(delivery.bodyBytes)} bytes</span>
      </h3>
      <CodeBlock label="body" wrap text={readableBody(delivery)} />
      {delivery.shortened && (
        <p className="mt-1 text-caption text-muted">Shortened here; the run works with all of it.</p>
      )}
      <div className="mt-4">
        <Disclosure title={`${count(Object.keys(delivery.headers).length, "header")}`} initiallyOpen>
          <RecordView record={delivery.headers} />
        </Disclosure>
      </div>
    </Dialog>
  );
}
