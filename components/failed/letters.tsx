"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ChevronDown, FilePen, Inbox, ListRestart, RotateCcw, TriangleAlert } from "lucide-react";
import { useDeferredValue, useState } from "react";
import type { DeadLetterGroup, DeadLetterItem } from "../../server/trpc/contract/runs.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { JsonValue } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { count, formatNumber } from "../ui/format.ts";
import { SearchInput } from "../ui/input.tsx";
import { Menu, MenuItem } from "../ui/menu.tsx";
import { Card } from "../ui/page.tsx";
import { EmptyState, Notice } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Checkbox } from "../ui/toggles.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { DismissDialog } from "./dismiss-dialog.tsx";
import { PatchGroupDialog } from "./patch-group-dialog.tsx";
import { flowNames, isInRecord, mayHaveArrived, readReason } from "./reason.ts";
import { MayHaveArrived, ResendDialog } from "./resend.tsx";
import { useLetterActions } from "./use-letter-actions.ts";

/** Records of one group, or of one closed state, with what can be done for all or for chosen ones. */
export function Letters({
  group,
  state,
  flowId,
  onOpen,
}: {
  group: DeadLetterGroup | null;
  state?: string;
  flowId: string | null;
  onOpen: (id: string) => void;
}) {
  const trpc = useTRPC();
  const mayOperate = useMay("operator");
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<"patch" | "dismiss" | "resend" | "resend from the start" | null>(null);
  const asked = useDeferredValue(search.trim());
  const letters = useInfiniteQuery(
    trpc.letters.list.infiniteQueryOptions(
      {
        groupId: group?.id,
        flowId: flowId ?? undefined,
        state: (state ?? "open") as DeadLetterItem["state"],
        search: asked || undefined,
        limit: 100,
      },
      { getNextPageParam: (page) => page.next ?? undefined },
    ),
  );
  const items = letters.data?.pages.flatMap((page) => page.items) ?? [];
  const overtaken = items.filter(({ id, newer }) => newer && (chosen.size === 0 || chosen.has(id))).length;
  const done = () => {
    setAsking(null);
    setChosen(new Set());
  };
  const { replay, dismiss } = useLetterActions(done);
  const meant = chosen.size > 0 ? { ids: [...chosen] } : { groupId: group?.id };
  const many = chosen.size > 0 ? chosen.size : (group?.count ?? 0);
  const doubtful = group !== null && mayHaveArrived(group);
  const send = (from: "step" | "start") => replay.mutate(from === "step" ? meant : { ...meant, from });
  const askToSend = (from: "step" | "start") =>
    doubtful ? setAsking(from === "step" ? "resend" : "resend from the start") : send(from);
  // A field of the target is not in the record as it entered the step; then the reason of each record says more.
  const field = isInRecord(items[0]?.data ?? {}, group?.field) ? group?.field : undefined;
  const choose: Column<DeadLetterItem> = {
    id: "choose",
    header: <span className="sr-only">Choose</span>,
    width: "40px",
    cell: ({ id, key }) => (
      <Checkbox
        label={`Choose ${key}`}
        checked={chosen.has(id)}
        onChange={(on) => {
          const next = new Set(chosen);
          if (on) next.add(id);
          else next.delete(id);
          setChosen(next);
        }}
      />
    ),
  };
  const columns: Column<DeadLetterItem>[] = [
    ...(group && mayOperate ? [choose] : []),
    {
      id: "key",
      header: "Record",
      width: "clamp(150px, 42vw, 180px)",
      cell: (letter) => (
        <span className="flex min-w-0 flex-wrap items-baseline gap-x-1.5">
          <button
            type="button"
            onClick={() => onOpen(letter.id)}
            className="max-w-full truncate rounded-mark font-mono text-caption text-ink hover:underline"
          >
            {letter.key || "without a key"}
          </button>
          {letter.newer && (
            <span
              className="shrink-0 text-caption text-warn-text"
              title={`Run ${letter.newer.run} wrote a record of this key since: replaying puts what is older in its place.`}
            >
              written since
            </span>
          )}
          {letter.parked > 0 && (
            <span
              className="shrink-0 text-caption text-muted"
              title={`${count(letter.parked, "later record")} of ${letter.key} ${letter.parked === 1 ? "waits" : "wait"} until this one is replayed or dismissed.`}
            >
              +{formatNumber(letter.parked)} parked
            </span>
          )}
        </span>
      ),
    },
    field
      ? {
          id: "value",
          header: <span className="font-mono">{field}</span>,
          cell: (letter) => (
            <JsonValue value={valueAt(letter.data, field)} className="break-normal! whitespace-nowrap!" />
          ),
        }
      : {
          id: "reason",
          header: "Reason",
          wideOnly: group !== null, // a group's reason stands above
          cell: (letter) => <span title={letter.reason}>{readReason(letter.reason).text}</span>,
        },
    ...(group && group.flows.length <= 1
      ? []
      : [
          {
            id: "flow",
            header: "Flow",
            width: "20%",
            wideOnly: true,
            cell: (letter: DeadLetterItem) => letter.flowName,
          },
        ]),
    {
      id: "attempts",
      header: "Attempts",
      width: "86px",
      align: "right",
      wideOnly: true,
      cell: (letter) => letter.attempts,
    },
    {
      id: "at",
      header: "When",
      width: field ? "96px" : "120px",
      cell: (letter) => <RelativeTime at={letter.at} className="text-muted" />,
    },
  ];
  return (
    <div className="min-w-0">
      {group && (
        <Card className="mb-3 p-3">
          <h2 className="text-body font-medium break-words text-ink">{readReason(group.reason).text}</h2>
          <p className="mt-0.5 text-work text-muted">
            {count(group.count, "record")} at “{readReason(group.reason).step ?? group.step}” of{" "}
            {flowNames(group.flows)}, first <RelativeTime at={group.firstSeen} />
          </p>
          {doubtful && (
            <div className="mt-3">
              <MayHaveArrived records={many} />
            </div>
          )}
          {overtaken > 0 && (
            <div className="mt-3">
              <Notice tone="warn" icon={TriangleAlert}>
                {count(overtaken, "record")} of those below {overtaken === 1 ? "was" : "were"} written by a later run.
                Replaying puts what is older in {overtaken === 1 ? "its" : "their"} place: open{" "}
                {overtaken === 1 ? "it" : "them"} first, or dismiss {overtaken === 1 ? "it" : "them"}.
              </Notice>
            </div>
          )}
          {mayOperate && (
            <div className="mt-3 flex flex-wrap gap-2">
              <span className="inline-flex">
                <Button
                  look={doubtful ? "plain" : "primary"}
                  large
                  icon={RotateCcw}
                  busy={replay.isPending && asking === null}
                  onClick={() => askToSend("step")}
                  className="rounded-r-none!"
                >
                  {doubtful ? `Send ${count(many, "record")} again…` : `Replay ${count(many, "record")}`}
                </Button>
                <Menu
                  align="start"
                  trigger={
                    <button
                      type="button"
                      aria-label="From where to replay"
                      className={cx(
                        "control-large inline-flex w-6 items-center justify-center rounded-l-none!",
                        doubtful
                          ? "border border-l-0 border-edge bg-surface text-ink hover:bg-hover"
                          : "border-l border-on-accent/40 bg-accent text-on-accent hover:bg-accent-strong",
                      )}
                    >
                      <ChevronDown aria-hidden className="size-3.5" />
                    </button>
                  }
                >
                  <MenuItem icon={RotateCcw} onSelect={() => askToSend("step")}>
                    From the step that refused {many === 1 ? "it" : "them"}
                  </MenuItem>
                  <MenuItem icon={ListRestart} onSelect={() => askToSend("start")}>
                    From the start, with the mapping that is live now
                  </MenuItem>
                </Menu>
              </span>
              {chosen.size === 0 && !doubtful && (
                <Button large icon={FilePen} onClick={() => setAsking("patch")}>
                  Set one field and replay…
                </Button>
              )}
              <Button large look={doubtful ? "plain" : "quiet"} onClick={() => setAsking("dismiss")}>
                Dismiss {many === 1 ? "it" : count(many, "record")}…
              </Button>
            </div>
          )}
        </Card>
      )}
      <div className="mb-2">
        <SearchInput
          label="Search key, reason or value"
          value={search}
          onChange={setSearch}
          className="w-64 max-sm:w-full"
        />
      </div>
      <Loaded query={letters} what="The records could not be loaded">
        {() =>
          items.length === 0 ? (
            <EmptyState compact icon={Inbox} title={asked ? "No record matches" : "No records here"} />
          ) : (
            <Table
              label="Failed records"
              columns={columns}
              rows={items}
              rowKey={({ id }) => id}
              onOpen={({ id }) => onOpen(id)}
              footer={
                letters.hasNextPage && (
                  <Button onClick={() => letters.fetchNextPage()} busy={letters.isFetchingNextPage}>
                    Show 100 more
                  </Button>
                )
              }
            />
          )
        }
      </Loaded>
      {asking === "patch" && group && (
        <PatchGroupDialog
          group={group}
          examples={items}
          busy={replay.isPending}
          onClose={() => setAsking(null)}
          onReplay={(patch) => replay.mutate({ groupId: group.id, patch })}
        />
      )}
      {(asking === "resend" || asking === "resend from the start") && (
        <ResendDialog
          records={many}
          busy={replay.isPending}
          onClose={() => setAsking(null)}
          onSend={() => send(asking === "resend" ? "step" : "start")}
        />
      )}
      {asking === "dismiss" && (
        <DismissDialog
          records={many}
          arrived={doubtful}
          busy={dismiss.isPending}
          onClose={() => setAsking(null)}
          onDismiss={(note) => dismiss.mutate({ ...meant, note })}
        />
      )}
    </div>
  );
}

/** The value at a path such as customer.name. */
function valueAt(data: DeadLetterItem["data"], path: string): unknown {
  if (path in data) return data[path];
  return path
    .split(".")
    .reduce<unknown>(
      (at, name) => (typeof at === "object" && at !== null ? (at as { [name: string]: unknown })[name] : undefined),
      data,
    );
}
