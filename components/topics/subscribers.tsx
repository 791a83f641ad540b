"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  CircleAlert,
  CircleCheck,
  CirclePause,
  Clock,
  Ellipsis,
  Pause,
  Pencil,
  Play,
  Plus,
  RotateCw,
  Send,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { count, formatNumber } from "../ui/format.ts";
import { Menu, MenuItem } from "../ui/menu.tsx";
import { Section } from "../ui/page.tsx";
import { StatusPill } from "../ui/pill.tsx";
import { EmptyState } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { toast } from "../ui/toast.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { SubscriberDeliveries } from "./subscriber-deliveries.tsx";
import { SubscriberDialog } from "./subscriber-dialog.tsx";

export type Subscriber = Outputs["topics"]["subscriptions"][number];

/** Systems outside that are sent the events of topics, and how they take them. */
export function Subscribers({ topics }: { topics: string[] }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const subscribers = useQuery({ ...trpc.topics.subscriptions.queryOptions(), refetchInterval: 10_000 });
  const [editing, setEditing] = useState<Subscriber | "new" | null>(null);
  const [removing, setRemoving] = useState<Subscriber | null>(null);
  const [shownId, setShown] = useState<string | null>(null);
  const refresh = () => queries.invalidateQueries(trpc.topics.pathFilter());
  const change = useMutation(
    trpc.topics.changeSubscription.mutationOptions({
      ...sayFailure("The subscriber could not be changed"),
      onSettled: refresh,
    }),
  );
  const retry = useMutation(
    trpc.topics.retrySubscription.mutationOptions({
      ...sayFailure("The events could not be sent again"),
      onSuccess: ({ deliveries }) =>
        toast({ title: deliveries > 0 ? `${count(deliveries, "event")} on the way again` : "It is tried now" }),
      onSettled: refresh,
    }),
  );
  const remove = useMutation(
    trpc.topics.unsubscribe.mutationOptions({
      ...sayFailure("The subscriber could not be removed"),
      onSettled: () => {
        setRemoving(null);
        return refresh();
      },
    }),
  );
  const columns: Column<Subscriber>[] = [
    ...facts,
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      width: "52px",
      align: "right",
      cell: (one) => (
        <Menu trigger={<IconButton label={`Actions for ${one.name}`} icon={Ellipsis} />}>
          <MenuItem icon={Send} onSelect={() => setShown(one.id)}>
            Show what was sent
          </MenuItem>
          {(one.down || (one.pending > 0 && one.lastError !== null)) && !one.paused && (
            <MenuItem icon={RotateCw} onSelect={() => retry.mutate({ id: one.id })}>
              Try now
            </MenuItem>
          )}
          {one.failed > 0 && (
            <MenuItem icon={RotateCw} onSelect={() => retry.mutate({ id: one.id })}>
              Send {count(one.failed, "failed event")} again
            </MenuItem>
          )}
          <MenuItem
            icon={one.paused ? Play : Pause}
            onSelect={() => change.mutate({ id: one.id, paused: !one.paused })}
          >
            {one.paused ? "Go on sending" : "Stop sending for now"}
          </MenuItem>
          <MenuItem icon={Pencil} onSelect={() => setEditing(one)}>
            Change…
          </MenuItem>
          <MenuItem icon={Trash2} danger onSelect={() => setRemoving(one)}>
            Remove…
          </MenuItem>
        </Menu>
      ),
    },
  ];
  const shown = subscribers.data?.find(({ id }) => id === shownId);
  const add = (
    <Button icon={Plus} onClick={() => setEditing("new")}>
      New subscriber
    </Button>
  );
  return (
    <Section title="Subscribers outside" aside={add}>
      <Loaded query={subscribers} what="The subscribers could not be loaded">
        {(all) =>
          all.length === 0 ? (
            <EmptyState compact icon={Send} title="No system outside is told yet">
              A subscriber is sent each event of a topic as a signed webhook (Standard Webhooks, CloudEvents), tried
              again for about three days.
            </EmptyState>
          ) : (
            <Table
              label="Subscribers outside"
              columns={columns}
              rows={all}
              rowKey={({ id }) => id}
              onOpen={({ id }) => setShown(id)}
              keys={false}
              tall
            />
          )
        }
      </Loaded>
      {editing && (
        <SubscriberDialog
          subscriber={editing === "new" ? null : editing}
          topics={topics}
          onClose={() => setEditing(null)}
          onSaved={refresh}
        />
      )}
      {shown && (
        <SubscriberDeliveries
          subscriber={shown}
          onClose={() => setShown(null)}
          onRetry={(event) => retry.mutate({ id: shown.id, ...(event === undefined ? {} : { events: [event] }) })}
        />
      )}
      <ConfirmDialog
        open={removing !== null}
        onClose={() => setRemoving(null)}
        danger
        busy={remove.isPending}
        title={`Remove “${removing?.name}”: it is sent nothing from now on${
          removing && removing.pending + removing.failed > 0
            ? `; ${count(removing.pending + removing.failed, "event")} it has not got yet are forgotten`
            : ""
        }`}
        action="Remove the subscriber"
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      />
    </Section>
  );
}

const facts: Column<Subscriber>[] = [
  {
    id: "name",
    header: "Name",
    cell: ({ name, url }) => (
      <div className="min-w-0">
        <div className="font-medium text-ink">{name}</div>
        <div className="truncate font-mono text-caption text-muted" title={url}>
          {url}
        </div>
      </div>
    ),
  },
  {
    id: "topic",
    header: "Topic",
    width: "190px",
    wideOnly: true,
    cell: ({ topic, types }) => (
      <div className="min-w-0">
        <div className="truncate font-mono text-caption text-ink">{topic}</div>
        {types && <div className="truncate text-caption text-muted">{types.join(", ")}</div>}
      </div>
    ),
  },
  { id: "state", header: "State", cell: (one) => <SubscriberState subscriber={one} /> },
];

function SubscriberState({ subscriber }: { subscriber: Subscriber }) {
  const { paused, pending, failed, delivered, lastError, down } = subscriber;
  const numbers = [
    `${formatNumber(delivered)} sent`,
    ...(pending > 0 ? [`${formatNumber(pending)} waiting`] : []),
    ...(failed > 0 ? [`${formatNumber(failed)} given up`] : []),
  ].join(", ");
  const pill = paused ? (
    <StatusPill tone="idle" icon={CirclePause}>
      Stopped
    </StatusPill>
  ) : down ? (
    <StatusPill tone="warn" icon={Clock}>
      Does not answer
    </StatusPill>
  ) : failed > 0 ? (
    <StatusPill tone="bad" icon={CircleAlert}>
      Failing
    </StatusPill>
  ) : lastError ? (
    <StatusPill tone="warn" icon={Clock}>
      Trying again
    </StatusPill>
  ) : (
    <StatusPill tone="ok" icon={CircleCheck}>
      Takes events
    </StatusPill>
  );
  return (
    <div className="flex min-w-0 flex-col items-start gap-0.5">
      {pill}
      <span className="text-caption text-muted tabular-nums">{numbers}</span>
      {down && !paused && (
        <span className="text-caption text-muted">
          Went away <RelativeTime at={down.since} />; what waits goes on by itself
          {down.nextTryAt && (
            <>
              , next try <RelativeTime ahead at={down.nextTryAt} />
            </>
          )}
        </span>
      )}
      {lastError && <span className="line-clamp-2 text-caption break-words text-bad-text">{lastError}</span>}
    </div>
  );
}
