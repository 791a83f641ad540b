"use client";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Webhook } from "lucide-react";
import { useState } from "react";
import { readDraft } from "../../engine/flow/read-draft.ts";
import type { DeliveryItem } from "../../server/trpc/contract/runs.ts";
import { useLive } from "../server/live.tsx";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { Page, PageHeader } from "../ui/page.tsx";
import { EmptyState, Notice } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { DeliveryDialog } from "./delivery-dialog.tsx";
import { DeliveryResult } from "./delivery-result.tsx";
import { HookAddress } from "./hook-address.tsx";
import { SecretDialog } from "./secret-dialog.tsx";

/** What other systems sent to a flow's address, newest first. */
export function DeliveriesPage({ flowId }: { flowId: string }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const flow = useQuery(trpc.flows.get.queryOptions({ flowId }));
  const options = trpc.deliveries.list.infiniteQueryOptions(
    { flowId, limit: 100 },
    { getNextPageParam: (page) => page.next ?? undefined },
  );
  const deliveries = useInfiniteQuery({ ...options, refetchInterval: 10_000 });
  useLive((event) => {
    if (event.type === "run" && event.flowId === flowId)
      void queries.invalidateQueries({ queryKey: trpc.deliveries.list.pathKey() });
  });
  const [openId, setOpen] = useState<string | null>(null);
  const [secret, setSecret] = useState(false);
  const mayBuild = useMay("builder");
  const hook = flow.data?.hook ?? null;
  const signed = hook !== null && asksForSignature(flow.data?.document);
  const known = useQuery({ ...trpc.deliveries.secret.queryOptions({ flowId }), enabled: signed && mayBuild });
  const items = deliveries.data?.pages.flatMap((page) => page.items) ?? [];
  const open = items.find(({ id }) => id === openId);
  return (
    <Page>
      <PageHeader
        crumbs={[
          { label: "Flows", href: "/flows" },
          { label: flow.data?.name ?? "Flow", href: `/flows/${flowId}` },
          { label: "Deliveries" },
        ]}
        title="Deliveries"
        sentence="What other systems sent to this flow, as it came."
        actions={
          mayBuild &&
          hook && (
            <Button icon={KeyRound} onClick={() => setSecret(true)}>
              Signing secret…
            </Button>
          )
        }
      />
      {hook && <HookAddress path={hook} className="mb-4 max-w-2xl" />}
      {signed && known.data?.set === false && (
        <div className="mb-4">
          <Notice tone="warn" icon={KeyRound} action={<Button onClick={() => setSecret(true)}>Set the secret…</Button>}>
            This flow only takes signed events, and no secret is set yet, so whatever is sent to it is refused.
          </Notice>
        </div>
      )}
      <Loaded query={deliveries} what="The deliveries could not be loaded">
        {() =>
          items.length === 0 ? (
            <EmptyState icon={Webhook} title="Nothing has arrived yet">
              {hook
                ? "Send an event to the address above. Each one is listed here with its headers and body."
                : "Start the flow with a webhook and publish it; it then has an address events can be sent to."}
            </EmptyState>
          ) : (
            <Table
              label="Deliveries"
              columns={columns}
              rows={items}
              rowKey={({ id }) => id}
              onOpen={({ id }) => setOpen(id)}
              footer={
                deliveries.hasNextPage && (
                  <Button onClick={() => deliveries.fetchNextPage()} busy={deliveries.isFetchingNextPage}>
                    Show 100 more
                  </Button>
                )
              }
            />
          )
        }
      </Loaded>
      {open && <DeliveryDialog delivery={open} onClose={() => setOpen(null)} onReplayed={setOpen} />}
      {secret && <SecretDialog flowId={flowId} onClose={() => setSecret(false)} />}
    </Page>
  );
}

function asksForSignature(document: unknown): boolean {
  const trigger = readDraft(document).flow.steps.find(({ kind }) => kind === "webhook");
  return trigger?.kind === "webhook" && trigger.signature !== undefined && trigger.signature.scheme !== "none";
}

const columns: Column<DeliveryItem>[] = [
  {
    id: "event",
    header: "Event",
    cell: ({ eventId, repeats, replayOf, runId, at }) => (
      <>
        <span className="flex min-w-0 items-baseline gap-2">
          <span className="truncate font-mono text-caption" title={eventId}>
            {replayOf === null ? eventId : `delivery ${replayOf} again`}
          </span>
          {repeats > 0 && <span className="shrink-0 text-caption text-muted">came {count(repeats + 1, "time")}</span>}
        </span>
        <span className="block truncate text-caption text-muted md:hidden">
          <RelativeTime at={at} />
          {runId && ` · run ${runId}`}
        </span>
      </>
    ),
  },
  {
    id: "result",
    header: "Result",
    width: "148px",
    cell: (delivery) => <DeliveryResult delivery={delivery} />,
  },
  {
    id: "body",
    header: "Body",
    wideOnly: true,
    cell: ({ body }) => <span className="block truncate font-mono text-caption text-muted">{body.slice(0, 200)}</span>,
  },
  { id: "run", header: "Run", width: "90px", align: "right", wideOnly: true, cell: ({ runId }) => runId },
  {
    id: "at",
    header: "When",
    width: "130px",
    wideOnly: true,
    cell: ({ at }) => <RelativeTime at={at} className="text-muted" />,
  },
];
