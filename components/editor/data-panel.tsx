"use client";
import { ChevronLeft, ChevronRight, CircleAlert, RotateCw, Rows3 } from "lucide-react";
import type { PreviewAt } from "../../server/trpc/contract/flows.ts";
import { titleOf } from "../canvas/to-react-flow.ts";
import { readFailure } from "../server/failure.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { JsonValue, RecordView } from "../ui/code.tsx";
import { cx } from "../ui/cx.ts";
import { EmptyState, Skeleton } from "../ui/states.tsx";
import { useEditor } from "./editor-context.tsx";
import { usePreview } from "./use-preview.ts";

/** ◂ sample 3 of 20 ▸ */
export function SampleStepper({ length }: { length: number }) {
  const { sample, setSample } = useEditor();
  const at = length === 0 ? 0 : Math.min(sample, length - 1);
  return (
    <span className="flex items-center gap-0.5 text-caption text-muted tabular-nums">
      <IconButton label="Previous sample" icon={ChevronLeft} disabled={at === 0} onClick={() => setSample(at - 1)} />
      <span aria-live="polite">{length === 0 ? "no samples" : `sample ${at + 1} of ${length}`}</span>
      <IconButton
        label="Next sample"
        icon={ChevronRight}
        disabled={at >= length - 1}
        onClick={() => setSample(at + 1)}
      />
    </span>
  );
}

/** A sample record before and after the chosen step. */
export function DataPanel() {
  const { flow, selected, sample } = useEditor();
  const stepId = selected ?? flow.steps.at(-1)?.id ?? null;
  const step = flow.steps.find(({ id }) => id === stepId);
  const preview = usePreview(flow, stepId);
  if (!step)
    return (
      <EmptyState compact icon={Rows3} title="No data yet">
        Put something to read on the canvas; its first records are shown here.
      </EmptyState>
    );
  if (preview.isError && !preview.data)
    return (
      <EmptyState
        compact
        icon={CircleAlert}
        title={`No preview of “${titleOf(step)}” yet`}
        action={<TryAgain preview={preview} />}
      >
        {readFailure(preview.error).message}
      </EmptyState>
    );
  if (!preview.data)
    return (
      <div className="space-y-2 p-3" role="status" aria-label="Loading">
        <Skeleton className="h-4 w-40" />
        <Skeleton className="h-4 w-full" />
        <Skeleton className="h-4 w-full" />
      </div>
    );
  const items = preview.data as PreviewAt[];
  const at = items[Math.min(sample, items.length - 1)];
  return (
    <div className={cx("min-w-0 transition-opacity", preview.isFetching && "opacity-70")}>
      <div className="flex items-center gap-3 px-3 py-1">
        <span className="truncate text-work font-medium text-ink">{titleOf(step)}</span>
        <SampleStepper length={items.length} />
        {at && (
          <span className="truncate text-caption text-muted">
            record <span className="font-mono">{at.key}</span>
          </span>
        )}
        {preview.isError && (
          <>
            <span title={readFailure(preview.error).message} className="truncate text-caption text-bad-text">
              {readFailure(preview.error).message}
            </span>
            <TryAgain preview={preview} />
          </>
        )}
      </div>
      {at ? (
        <BeforeAfter item={at} />
      ) : (
        <p className="px-3 pb-3 text-work text-muted">No record of the sample arrives here.</p>
      )}
    </div>
  );
}

/** Reads the sample once more; what was shown before stays until it is there. */
function TryAgain({ preview: { refetch, isFetching } }: { preview: ReturnType<typeof usePreview> }) {
  return (
    <Button icon={RotateCw} busy={isFetching} onClick={() => refetch()}>
      Try again
    </Button>
  );
}

const outcomes: { [outcome: string]: string } = {
  dead: "Would fail",
  filtered: "Ends here: filtered out",
  duplicate: "Ends here: a duplicate",
};

function BeforeAfter({ item: { before, after, ended, port } }: { item: PreviewAt }) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after ?? {})])];
  // A map makes a record anew: its fields are not those that came, so the two stand side by side.
  const shared = names.filter((name) => Object.hasOwn(before, name) && Object.hasOwn(after ?? before, name)).length;
  if (after !== null && shared < names.length / 2)
    return (
      <div className="grid gap-3 px-3 pb-3 md:grid-cols-2">
        <div>
          <h3 className="mb-1 text-caption font-medium text-muted">Before</h3>
          <RecordView record={before} />
        </div>
        <div>
          <h3 className="mb-1 text-caption font-medium text-muted">After</h3>
          <RecordView record={after} />
        </div>
      </div>
    );
  const same = after !== null && JSON.stringify(before) === JSON.stringify(after);
  return (
    <div className="px-3 pb-3">
      {ended && (
        <p className={cx("mb-2 flex gap-1.5 text-work", ended.outcome === "dead" ? "text-bad-text" : "text-muted")}>
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span>
            <b className="font-medium">{outcomes[ended.outcome] ?? ended.outcome}</b>
            {ended.message && `: ${ended.message}`}
          </span>
        </p>
      )}
      {port && <p className="mb-1 text-caption text-muted">Leaves by “{port}”.</p>}
      <section
        aria-label="Sample record"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="thin-scroll overflow-x-auto rounded-control border border-line"
      >
        <table className="w-full table-fixed text-left">
          <thead>
            <tr className="text-caption text-muted">
              <th scope="col" className="w-44 px-2 py-1 font-medium">
                Field
              </th>
              <th scope="col" className="px-2 py-1 font-medium">
                {same ? "Value" : "Before"}
              </th>
              {!same && (
                <th scope="col" className="px-2 py-1 font-medium">
                  After
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => {
              const was = Object.hasOwn(before, name);
              const is = after !== null && Object.hasOwn(after, name);
              const changed = !same && is && (!was || JSON.stringify(before[name]) !== JSON.stringify(after[name]));
              const blamed = ended?.field === name;
              return (
                <tr key={name} className={cx("border-t border-line align-top", blamed && "bg-bad-soft")}>
                  <th scope="row" className="truncate px-2 py-0.5 font-mono text-caption font-normal text-muted">
                    {name}
                  </th>
                  <td className="truncate px-2 py-0.5">{was ? <JsonValue value={before[name]} /> : null}</td>
                  {!same && (
                    <td className={cx("truncate px-2 py-0.5", changed && "bg-accent-soft")}>
                      {is ? <JsonValue value={after[name]} /> : null}
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </div>
  );
}
