"use client";
import { Popover } from "@base-ui/react/popover";
import { ArrowLeft, ArrowRight, Plus, Trash2 } from "lucide-react";
import { type ReactElement, useMemo, useState } from "react";
import { formulaHelp } from "../../engine/mapping/catalogue.ts";
import { type ChainMenuEntry, chainMenu, findChainFunction } from "../../engine/mapping/chain-functions.ts";
import type { ChainItem } from "../../engine/mapping/field-mapping.ts";
import type { Json } from "../../engine/mapping/types.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";
import { Field } from "../ui/field.tsx";
import { SearchInput } from "../ui/input.tsx";
import { ArgumentInput } from "./argument-input.tsx";
import { itemOf, partsOf } from "./mapping-edits.ts";

const { categories } = formulaHelp();
const entries = chainMenu()
  .filter(({ args }) => args.every(({ type }) => type !== "lambda" && type !== "each"))
  .sort((a, b) => place(a) - place(b));

function place({ category }: ChainMenuEntry): number {
  return categories.findIndex(({ id }) => id === category);
}

const popup = "float-motion z-50 flex flex-col rounded-card bg-surface shadow-float outline-none";

/** Short enough for a chip: “number ,”. */
export function chipText(item: ChainItem): string {
  const { fn, args } = partsOf(item);
  const said = args
    .map((arg) => (typeof arg === "string" ? (arg.trim() === "" ? `“${arg}”` : arg) : JSON.stringify(arg)))
    .join(" ");
  return said === "" ? fn : `${fn} ${said.length > 16 ? `${said.slice(0, 15)}…` : said}`;
}

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
          <Popover.Popup aria-label={label} className={cx(popup, "h-90 w-[min(34rem,92vw)]")}>
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

function FunctionForm({
  entry,
  args: given,
  onSave,
  action,
}: {
  entry: ChainMenuEntry;
  args: readonly Json[];
  onSave: (args: Json[]) => void;
  action: string;
}) {
  const [args, setArgs] = useState<(Json | undefined)[]>(() => entry.args.map((_, index) => given[index]));
  const missing = entry.args.some(({ optional }, index) => !optional && args[index] === undefined);
  const save = () => {
    // Arguments count by their place: those after the last one given are left out, gaps before it are empty.
    const last = args.findLastIndex((arg) => arg !== undefined);
    onSave(args.slice(0, last + 1).map((arg) => arg ?? null));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        if (!missing) save();
      }}
      className="thin-scroll min-h-0 space-y-3 overflow-y-auto"
    >
      <div>
        <p className="text-work font-medium text-ink">{entry.label}</p>
        <p className="text-caption text-muted">{entry.summary}</p>
      </div>
      {entry.args.map((parameter, index) => (
        <Field key={parameter.name} label={parameter.name} hint={parameter.summary} optional={parameter.optional}>
          <ArgumentInput
            parameter={parameter}
            value={args[index]}
            onChange={(value) => setArgs(args.with(index, value))}
          />
        </Field>
      ))}
      {entry.args.length > 0 && (
        <Button type="submit" look="primary" disabled={missing}>
          {action}
        </Button>
      )}
    </form>
  );
}

/** A function on a line: press to change its arguments, move it along the line, or take it away. */
export function FunctionChip({
  item,
  index,
  length,
  target,
  onChange,
  onMove,
  onRemove,
  readOnly,
}: {
  item: ChainItem;
  index: number;
  length: number;
  target: string;
  onChange: (item: ChainItem) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
  readOnly: boolean;
}) {
  const [open, setOpen] = useState(false);
  const { fn, args } = partsOf(item);
  const entry = entries.find(({ id }) => id.toLowerCase() === fn.toLowerCase());
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        disabled={readOnly}
        aria-label={`${chipText(item)}, function ${index + 1} on ${target}`}
        className={cx(
          "h-5.5 max-w-36 truncate rounded-control border px-1.5 font-mono text-[11px] leading-5 pointer-coarse:h-9",
          entry || findChainFunction(fn.split("(")[0] ?? "")
            ? "border-edge bg-surface text-ink hover:border-accent"
            : "border-bad bg-bad-soft text-bad-text",
        )}
      >
        {chipText(item)}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} className="z-50">
          <Popover.Popup aria-label={`Function ${fn}`} className={cx(popup, "max-h-90 w-80 gap-3 p-3")}>
            <div className="flex items-center gap-1">
              <span className="min-w-0 flex-1 truncate text-caption text-muted">on {target}</span>
              <IconButton label="Earlier" icon={ArrowLeft} disabled={index === 0} onClick={() => onMove(-1)} />
              <IconButton label="Later" icon={ArrowRight} disabled={index === length - 1} onClick={() => onMove(1)} />
              <IconButton
                label="Remove the function"
                icon={Trash2}
                onClick={() => {
                  setOpen(false);
                  onRemove();
                }}
              />
            </div>
            {entry ? (
              <FunctionForm
                key={entry.id}
                entry={entry}
                args={args}
                action="Change"
                onSave={(next) => {
                  onChange(itemOf(entry.id, next));
                  setOpen(false);
                }}
              />
            ) : (
              <p className="text-work text-muted">
                “{fn}” cannot be changed here. Remove it, or write the rule as a formula.
              </p>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
