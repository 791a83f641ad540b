"use client";
import { Popover } from "@base-ui/react/popover";
import { Plus } from "lucide-react";
import { type ReactElement, useMemo, useState } from "react";
import { type ChainMenuEntry, findChainFunction } from "../../engine/mapping/chain-functions.ts";
import type { ChainItem } from "../../engine/mapping/field-mapping.ts";
import { cx } from "../ui/cx.ts";
import { SearchInput } from "../ui/input.tsx";
import { categories, entries } from "./function-entries.ts";
import { FunctionForm, functionPopup } from "./function-form.tsx";
import { itemOf } from "./mapping-edits.ts";

/** A function to put at the end of a chain, found by group or by typing, with what it does and examples. */
export function AddFunction({
  onAdd,
  label,
  trigger,
}: {
  onAdd: (item: ChainItem) => void;
  label: string;
  trigger?: ReactElement;
}) {
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState<ChainMenuEntry | null>(null);
  const take = (entry: ChainMenuEntry) => {
    if (entry.args.some(({ optional }) => !optional)) setChosen(entry);
    else finish(entry.id);
  };
  const finish = (item: ChainItem) => {
    onAdd(item);
    setOpen(false);
    setChosen(null);
  };
  return (
    <Popover.Root
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        if (!next) setChosen(null);
      }}
    >
      <Popover.Trigger
        render={
          trigger ?? (
            <button
              type="button"
              aria-label={label}
              title={label}
              className="flex size-5 items-center justify-center rounded-full border border-edge bg-surface text-muted hover:border-accent hover:text-accent-text pointer-coarse:size-9"
            >
              <Plus aria-hidden className="size-3" />
            </button>
          )
        }
      />
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} className="z-50">
          <Popover.Popup aria-label={label} className={cx(functionPopup, "h-90 w-[min(34rem,92vw)]")}>
            {chosen ? (
              <div className="flex min-h-0 flex-1 flex-col p-3">
                <FunctionForm
                  entry={chosen}
                  args={[]}
                  onSave={(args) => finish(itemOf(chosen.id, args))}
                  action="Add"
                />
              </div>
            ) : (
              <Browse onTake={take} />
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Browse({ onTake }: { onTake: (entry: ChainMenuEntry) => void }) {
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState<ChainMenuEntry | null>(null);
  const found = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return entries.filter(({ id, label, summary }) =>
      words.every((word) => `${id} ${label} ${summary}`.toLowerCase().includes(word)),
    );
  }, [search]);
  const seen = shown && found.includes(shown) ? shown : (found[0] ?? null);
  const move = (by: number) => {
    const at = seen ? found.indexOf(seen) : -1;
    setShown(found[Math.max(0, Math.min(found.length - 1, at + by))] ?? null);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys belong to the search box in it
    <div
      className="flex min-h-0 flex-1 flex-col"
      onKeyDown={(event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          move(event.key === "ArrowDown" ? 1 : -1);
        } else if (event.key === "Enter" && seen && event.target instanceof HTMLInputElement) {
          event.preventDefault();
          onTake(seen);
        }
      }}
    >
      <div className="border-b border-line p-2">
        <SearchInput label="Search functions" placeholder="trim, number, date…" value={search} onChange={setSearch} />
      </div>
      <div className="flex min-h-0 flex-1">
        <div className="thin-scroll w-1/2 overflow-y-auto border-r border-line p-1">
          {categories.map(({ id, label }) => {
            const own = found.filter(({ category }) => category === id);
            if (own.length === 0) return null;
            return (
              <div key={id}>
                <h3 className="px-2 pt-1.5 pb-0.5 text-caption font-medium text-muted">{label}</h3>
                {own.map((entry) => (
                  <button
                    key={entry.id}
                    type="button"
                    onClick={() => onTake(entry)}
                    onMouseEnter={() => setShown(entry)}
                    onFocus={() => setShown(entry)}
                    ref={entry === seen ? (node) => node?.scrollIntoView({ block: "nearest" }) : undefined}
                    className={cx(
                      "block w-full rounded-control px-2 py-0.5 text-left text-work text-ink",
                      entry === seen && "bg-hover",
                    )}
                  >
                    {entry.label}
                  </button>
                ))}
              </div>
            );
          })}
          {found.length === 0 && (
            <p className="p-2 text-work text-muted">No function has this name. A formula can do more.</p>
          )}
        </div>
        <div className="thin-scroll min-w-0 flex-1 overflow-y-auto p-3">{seen && <Help entry={seen} />}</div>
      </div>
    </div>
  );
}

function Help({ entry }: { entry: ChainMenuEntry }) {
  const definition = findChainFunction(entry.id);
  return (
    <div className="space-y-2">
      <p className="font-mono text-caption font-medium text-ink">{entry.id}</p>
      <p className="text-work text-muted">{entry.summary}</p>
      <ul className="space-y-1">
        {definition?.examples.slice(0, 3).map((example) => (
          <li key={example.formula} className="rounded-control bg-sunken px-2 py-1 font-mono text-caption break-words">
            <span className="text-ink">{example.formula}</span>
            <br />
            {"output" in example ? (
              <span className="text-ok-text">= {JSON.stringify(example.output)}</span>
            ) : (
              <span className="text-bad-text">refused: {example.error}</span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
