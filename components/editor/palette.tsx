"use client";
import { PanelLeftClose, TriangleAlert } from "lucide-react";
import { Fragment, useMemo, useRef, useState } from "react";
import { definitionOf } from "../../engine/steps/registry.ts";
import { stepLook } from "../canvas/step-look.ts";
import { dragMiddleType, dragType } from "../canvas/use-drop.ts";
import { IconButton } from "../ui/button.tsx";
import { formatNumber } from "../ui/format.ts";
import { SearchInput } from "../ui/input.tsx";
import { Skeleton } from "../ui/states.tsx";
import { Tile } from "../ui/tile.tsx";
import { Tooltip } from "../ui/tooltip.tsx";
import { useEditor } from "./editor-context.tsx";
import { type PaletteItem, paletteItems, searchPalette } from "./palette-items.ts";

const groups = ["read", "step", "write"] as const;
const headings = { read: "Read from", step: "Steps", write: "Write to" } as const;

/** With hundreds of places nobody looks through them: these many are listed, the rest is found by searching. */
const MOST = 60;
const headingHeight = 28;

/** What can be put on the canvas: dragged there, or added behind the chosen step by click or Enter. */
export function Palette({ onAdd, onHide }: { onAdd: (item: PaletteItem) => void; onHide?: () => void }) {
  const { flow, places } = useEditor();
  const [search, setSearch] = useState("");
  const items = useMemo(() => paletteItems(places.places), [places.places]);
  const found = useMemo(() => {
    const used = new Set(flow.steps.flatMap((step) => ("connection" in step && step.connection) || []));
    // Connections the flow knows come first: in a long list they would be lost.
    const near = (item: PaletteItem) => (used.has(item.connection ?? "") ? 0 : 1);
    return searchPalette(items, search).toSorted((one, other) => near(one) - near(other));
  }, [items, search, flow.steps]);
  const list = useRef<HTMLElement>(null);
  const shown = groups.flatMap((group) => {
    const own = found.filter((item) => item.group === group);
    const waiting = group !== "step" && !places.ready;
    return own.length === 0 && !waiting ? [] : [{ group, own, waiting }];
  });
  const goTo = (group: string, before: number) => {
    const start = list.current?.querySelector<HTMLElement>(`[data-group="${group}"]`);
    if (start) list.current?.scrollTo({ top: start.offsetTop - (before + 1) * headingHeight, behavior: "smooth" });
  };
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-1 p-2">
        <SearchInput
          label="Search what to add"
          placeholder="Search"
          value={search}
          onChange={setSearch}
          className="flex-1"
        />
        {onHide && <IconButton label="Hide the palette" icon={PanelLeftClose} onClick={onHide} />}
      </div>
      <section
        ref={list}
        aria-label="Palette"
        className="thin-scroll min-h-0 flex-1 overflow-x-hidden overflow-y-auto px-2 motion-reduce:scroll-auto!"
      >
        {shown.map(({ group, own, waiting }, index) => (
          <Fragment key={group}>
            {/* All headings stay in sight, stacked above and below, so that nobody looks in vain for where to write to. */}
            <h2
              className="sticky z-10 -mx-2 border-line bg-surface px-2 not-first:border-t"
              style={{ top: index * headingHeight, bottom: (shown.length - 1 - index) * headingHeight }}
            >
              <button
                type="button"
                onClick={() => goTo(group, index)}
                className="flex h-7 w-full items-center gap-1 rounded-control px-1 text-caption font-medium text-muted -outline-offset-2 hover:text-ink"
              >
                {headings[group]}
                <span className="font-normal text-faint tabular-nums">
                  {own.length > 0 && formatNumber(own.length)}
                </span>
              </button>
            </h2>
            <ul data-group={group} className="mb-2">
              {own.slice(0, MOST).map((item) => (
                <li key={item.id} className="scroll-my-24">
                  <Item item={item} onAdd={onAdd} />
                </li>
              ))}
              {own.length > MOST && (
                <li className="px-1 py-1 text-caption text-muted">
                  {formatNumber(own.length - MOST)} more are found by searching.
                </li>
              )}
              {waiting && own.length === 0 && (
                <li className="space-y-2 p-1">
                  <Skeleton className="h-6" />
                  <Skeleton className="h-6" />
                </li>
              )}
            </ul>
          </Fragment>
        ))}
        {found.length === 0 && places.ready && (
          <p className="px-1 py-2 text-work text-muted">
            {search === "" ? "There are no connections yet. Create one under Connections." : "Nothing has this name."}
          </p>
        )}
        {places.places
          .filter((place) => place.unavailable !== undefined)
          .map((place) => (
            <p key={place.id} className="flex gap-1.5 px-1 py-1 text-caption text-warn-text">
              <TriangleAlert aria-hidden className="mt-0.5 size-3 shrink-0" />
              {place.name} does not answer, so it is not listed. {place.unavailable}
            </p>
          ))}
      </section>
    </div>
  );
}

function Item({ item, onAdd }: { item: PaletteItem; onAdd: (item: PaletteItem) => void }) {
  const { places } = useEditor();
  const { icon, tint } = stepLook(item.kind);
  const connector = places.places.find(({ name }) => name === item.connection)?.connector;
  const mark = connector === undefined ? undefined : places.markOf(connector);
  return (
    <Tooltip text={item.hint} side="right">
      <button
        type="button"
        draggable
        onClick={() => onAdd(item)}
        onDragStart={(event) => {
          event.dataTransfer.setData(dragType, item.id);
          if (definitionOf(item).role === "middle") event.dataTransfer.setData(dragMiddleType, "");
          event.dataTransfer.effectAllowed = "copy";
        }}
        className="flex h-8 w-full cursor-grab items-center gap-2 rounded-control px-1 text-left hover:bg-hover active:cursor-grabbing pointer-coarse:h-11"
      >
        {mark ? <Tile letters={mark.letters} tint={mark.tint} /> : <Tile icon={icon} tint={tint} />}
        <span className="truncate text-work text-ink">
          {item.group !== "step" && <span className="sr-only">{item.group === "read" ? "Read " : "Write "}</span>}
          {item.title}
        </span>
      </button>
    </Tooltip>
  );
}
