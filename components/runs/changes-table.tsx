"use client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { ArrowRight, ChevronRight, FilePen, FilePlus, FileX, PencilLine } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { isFinal } from "../../engine/run/states.ts";
import type { ChangeItem } from "../../server/trpc/contract/runs.ts";
import { Loaded } from "../server/loaded.tsx";
import type { RunDetail } from "../server/trpc.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { JsonValue } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { FilterChip } from "../ui/filters.tsx";
import { count } from "../ui/format.ts";
import { SearchInput } from "../ui/input.tsx";
import { EmptyState } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Checkbox } from "../ui/toggles.tsx";
import { type ChangeLine, changeLines, recordLine } from "./changes.ts";
import { written } from "./run-words.ts";

const marks = { create: FilePlus, update: FilePen, delete: FileX };
const words = {
  create: ["created", "would be created"],
  update: ["updated", "would be updated"],
  delete: ["deleted", "would be deleted"],
} as const;
const undoWords: Record<ChangeItem["undo"], string> = {
  possible: "",
  done: "undone",
  conflict: "changed since",
  "not possible": "cannot be undone",
};
const operationOptions = [
  { value: "create", label: "Created" },
  { value: "update", label: "Updated" },
  { value: "delete", label: "Deleted" },
];

/**
 * Every change of a run, field by field, old → new. With `onUndo`, records can be chosen to be put back.
 * @param onUndo gets the keys of the chosen records
 */
export function ChangesTable({ run, onUndo }: { run: RunDetail; onUndo?: (keys: string[]) => void }) {
  const trpc = useTRPC();
  const [search, setSearch] = useState("");
  const [operation, setOperation] = useState<string | null>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const asked = useDeferredValue(search.trim());
  const changes = useInfiniteQuery(
    trpc.runs.changes.infiniteQueryOptions(
      {
        runId: run.id,
        limit: 200,
        operation: (operation ?? undefined) as ChangeItem["operation"] | undefined,
        search: asked || undefined,
        refused: run.kind === "undo" ? false : undefined,
      },
      {
        getNextPageParam: (page) => page.next ?? undefined,
        placeholderData: keepPreviousData,
        // the first of a run at work are looked for as soon as there are some
        refetchInterval: ({ state }) =>
          !isFinal(run.state) && written(run.counts) > 0 && state.data?.pages[0]?.items.length === 0 ? 2_000 : false,
      },
    ),
  );
  const items = useMemo(() => changes.data?.pages.flatMap((page) => page.items) ?? [], [changes.data]);
  const lines = useMemo(() => changeLines(items, open), [items, open]);
  const toggle = (set: ReadonlySet<string>, id: string) => {
    const next = new Set(set);
    if (!next.delete(id)) next.add(id);
    return next;
  };
  const dry = run.mode === "dry";
  const choose: Column<ChangeLine> = {
    id: "choose",
    header: <span className="sr-only">Choose</span>,
    width: "40px",
    cell: ({ change, first }) =>
      first && (
        <Checkbox
          label={`Choose ${change.key}`}
          checked={chosen.has(change.key)}
          disabled={change.undo !== "possible" && change.undo !== "conflict"}
          onChange={() => setChosen(toggle(chosen, change.key))}
        />
      ),
  };
  const columns: Column<ChangeLine>[] = [
    ...(onUndo ? [choose] : []),
    {
      id: "key",
      header: "Record",
      width: "clamp(136px, 34vw, 180px)",
      cell: ({ change, first, fields }) =>
        first && (
          <RecordCell
            change={change}
            dry={dry}
            open={open.has(change.id)}
            fields={fields}
            onToggle={() => setOpen(toggle(open, change.id))}
          />
        ),
    },
    {
      id: "what",
      header: "What",
      width: "132px",
      wideOnly: true,
      cell: ({ change, first }) =>
        first && (
          <span className={cx(dry ? "text-dry-text" : "text-muted")}>{words[change.operation][dry ? 1 : 0]}</span>
        ),
    },
    {
      id: "field",
      header: "Field",
      width: "150px",
      wideOnly: true,
      cell: ({ field }) =>
        field && (
          <span className="font-mono text-caption text-muted" title={field}>
            {field}
          </span>
        ),
    },
    {
      id: "values",
      header: "Old → new",
      cell: (line) => (
        <>
          {line.field && (
            <span className="block truncate font-mono text-caption text-muted md:hidden">{line.field}</span>
          )}
          <Values line={line} />
        </>
      ),
    },
    {
      id: "where",
      header: "Where",
      width: "150px",
      wideOnly: true,
      cell: ({ change, first }) =>
        first && (
          <span className="text-muted">
            {change.connection} · {change.sink}
          </span>
        ),
    },
    ...(dry
      ? []
      : [
          {
            id: "undo",
            header: "Undo",
            width: "140px",
            wideOnly: true,
            cell: ({ change, first }: ChangeLine) =>
              first && <span className="text-caption text-muted">{undoWords[change.undo]}</span>,
          },
        ]),
  ];
  const none = asked !== "" || operation !== null;
  const going = !isFinal(run.state);
  return (
    <div>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <SearchInput label="Search key or value" value={search} onChange={setSearch} className="w-56 max-sm:w-full" />
        <FilterChip label="Change" options={operationOptions} value={operation} onChange={setOperation} />
        {chosen.size > 0 && onUndo && (
          <Button onClick={() => onUndo([...chosen])} className="ml-auto">
            Undo {count(chosen.size, "record")}…
          </Button>
        )}
      </div>
      <Loaded query={changes} what="The changes could not be loaded">
        {() =>
          lines.length === 0 ? (
            <EmptyState
              compact
              icon={PencilLine}
              title={
                none
                  ? "No change matches"
                  : going
                    ? written(run.counts) > 0
                      ? "The changes are about to be shown"
                      : "Nothing was changed yet"
                    : dry
                      ? "Nothing would change"
                      : "Nothing was changed"
              }
            >
              {none
                ? "Search looks at keys and values."
                : going
                  ? "Changes stand here as they are written."
                  : "No record came as far as a write step with something to change there."}
            </EmptyState>
          ) : (
            <Table
              label="Changes"
              columns={columns}
              rows={lines}
              rowKey={(line) => line.id}
              onOpen={(line) => line.change.operation !== "update" && setOpen(toggle(open, line.change.id))}
              footer={
                changes.hasNextPage && (
                  <Button onClick={() => changes.fetchNextPage()} busy={changes.isFetchingNextPage}>
                    Show 200 more
                  </Button>
                )
              }
            />
          )
        }
      </Loaded>
    </div>
  );
}

function RecordCell({
  change,
  dry,
  open,
  fields,
  onToggle,
}: {
  change: ChangeItem;
  dry: boolean;
  open: boolean;
  fields: number;
  onToggle: () => void;
}) {
  const Icon = marks[change.operation];
  const said = words[change.operation][dry ? 1 : 0];
  const tint = dry ? "text-dry-text" : change.operation === "delete" ? "text-bad-text" : "text-ok-text";
  const name = (
    <>
      <Icon aria-hidden className={cx("size-3.5 shrink-0", tint)} />
      <span className="truncate font-mono text-caption text-ink" title={change.key}>
        {change.key}
      </span>
    </>
  );
  if (change.operation === "update") return <span className="flex min-w-0 items-center gap-1.5 pl-4.5">{name}</span>;
  return (
    <button
      type="button"
      aria-expanded={open}
      aria-label={`${change.key}, ${said}, ${count(fields, "field")}`}
      onClick={onToggle}
      className="flex max-w-full min-w-0 items-center gap-1.5 rounded-mark"
    >
      <ChevronRight
        aria-hidden
        className={cx("size-3 shrink-0 text-faint transition-transform", open && "rotate-90")}
      />
      {name}
    </button>
  );
}

function Values({ line: { change, field, before, after } }: { line: ChangeLine }) {
  if (field === null) {
    return (
      <span className="text-muted">
        {recordLine((change.operation === "delete" ? before : after) as ChangeItem["after"])}
      </span>
    );
  }
  if (change.operation === "create") return <JsonValue value={after} className="text-ink" />;
  if (change.operation === "delete")
    return <JsonValue value={before} className="text-muted line-through decoration-faint" />;
  return (
    <span className="inline-flex max-w-full items-center gap-x-2 max-md:flex-wrap">
      <JsonValue value={before} className="truncate text-muted max-md:shrink-0 max-md:max-w-full" />
      <ArrowRight aria-label="became" className="size-3 shrink-0 text-faint" />
      <JsonValue value={after} className="truncate text-ink max-md:shrink-0 max-md:max-w-full" />
    </span>
  );
}
