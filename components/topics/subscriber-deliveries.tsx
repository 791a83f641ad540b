"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Clock, RotateCw, Send } from "lucide-react";
import { useState } from "react";
import { Loaded } from "../server/loaded.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { StatusPill } from "../ui/pill.tsx";
import { EmptyState } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { RelativeTime } from "../ui/values.tsx";
import type { Subscriber } from "./subscribers.tsx";

type Delivery = Outputs["topics"]["deliveries"]["items"][number];
type State = Delivery["state"];

const PAGE = 50;

/** What a subscriber was sent, what it did not take and why. */
export function SubscriberDeliveries({
  subscriber,
  onClose,
  onRetry,
}: {
  subscriber: Subscriber;
  onClose: () => void;
  /** all that was given up, or one event */
  onRetry: (event?: string) => void;
}) {
  const { id, name, topic, pending, failed, delivered } = subscriber;
  const [state, setState] = useState<State>(failed > 0 ? "failed" : pending > 0 ? "pending" : "delivered");
  const tabs: { value: State; label: string; count: number }[] = [
    { value: "failed", label: "Given up", count: failed },
    { value: "pending", label: "Waiting", count: pending },
    { value: "delivered", label: "Sent", count: delivered },
  ];
  return (
    <Dialog
      open
      onClose={onClose}
      width="wide"
      title={`Events to ${name}`}
      description={`Of topic ${topic}, the newest first; kept for seven days.`}
      footer={
        failed > 0 && (
          <Button icon={RotateCw} onClick={() => onRetry()}>
            Send {count(failed, "failed event")} again
          </Button>
        )
      }
    >
      <Tabs
        label="Events by state"
        value={state}
        onChange={(next) => setState(next as State)}
        tabs={tabs.map((tab) => ({ ...tab, content: <DeliveryList id={id} state={tab.value} onRetry={onRetry} /> }))}
      />
    </Dialog>
  );
}

function DeliveryList({ id, state, onRetry }: { id: string; state: State; onRetry: (event: string) => void }) {
  const trpc = useTRPC();
  const options = trpc.topics.deliveries.infiniteQueryOptions(
    { id, state, limit: PAGE },
    { getNextPageParam: (page) => page.next ?? undefined },
  );
  const deliveries = useInfiniteQuery({ ...options, refetchInterval: 10_000 });
  const items = deliveries.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Loaded query={deliveries} what="The events could not be loaded">
      {() =>
        items.length === 0 ? (
          <EmptyState compact icon={Send} title={EMPTY[state]} />
        ) : (
          <>
            <ul className="divide-y divide-line">
              {items.map((item) => (
                <DeliveryRow key={item.id} delivery={item} onRetry={() => onRetry(item.id)} />
              ))}
            </ul>
            {deliveries.hasNextPage && (
              <Button
                className="mt-3"
                onClick={() => deliveries.fetchNextPage()}
                busy={deliveries.isFetchingNextPage}
              >{`Show ${PAGE} more`}</Button>
            )}
          </>
        )
      }
    </Loaded>
  );
}

const EMPTY: { [S in State]: string } = {
  failed: "Nothing was given up",
  pending: "Nothing waits",
  delivered: "Nothing was sent yet",
};

function DeliveryRow({ delivery, onRetry }: { delivery: Delivery; onRetry: () => void }) {
  const { eventId, type, subject, at, state, attempts, nextAt, error } = delivery;
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-1 py-2 text-work">
      <StatePill state={state} />
      <div className="min-w-0 flex-1 basis-56">
        <div className="break-words text-ink">
          {type}
          {subject && <span className="text-muted"> · {subject}</span>}
        </div>
        <div className="truncate font-mono text-caption text-muted" title={eventId}>
          {eventId}
        </div>
        {error && <p className="text-caption break-words text-bad-text">{error}</p>}
      </div>
      <div className="flex gap-x-3 text-caption text-muted max-sm:basis-full sm:flex-col sm:text-right">
        <RelativeTime at={at} />
        {(attempts > 1 || state !== "delivered") && <div>{count(attempts, "try", "tries")}</div>}
        {nextAt && attempts > 0 && (
          <div>
            next <RelativeTime ahead at={nextAt} />
          </div>
        )}
      </div>
      {state === "failed" && (
        <Button icon={RotateCw} onClick={onRetry} aria-label={`Send again: ${subject ?? eventId}`}>
          Send again
        </Button>
      )}
    </li>
  );
}

function StatePill({ state }: { state: State }) {
  if (state === "delivered")
    return (
      <StatusPill tone="ok" icon={CircleCheck}>
        Sent
      </StatusPill>
    );
  if (state === "failed")
    return (
      <StatusPill tone="bad" icon={CircleAlert}>
        Given up
      </StatusPill>
    );
  return (
    <StatusPill tone="warn" icon={Clock}>
      Waiting
    </StatusPill>
  );
}
