"use client";
import { useCallback, useMemo, useRef } from "react";
import type { Flow, Link, Step } from "../../engine/flow/schema.ts";
import { placeAfter } from "../canvas/arrange.ts";
import type { CanvasHandlers } from "../canvas/flow-canvas.tsx";
import { toast } from "../ui/toast.tsx";
import { type Command, whyNotLink } from "./commands.ts";
import { type PaletteItem, type Place, paletteItems, stepOf } from "./palette-items.ts";

/**
 * What the hand does on the canvas and in the palette, as commands on the flow: steps added, moved, linked, removed, opened.
 * All of it stays the same object while the flow changes, so that the canvas is not drawn anew for it.
 */
export function useHand({
  flow,
  places,
  act,
  selected,
  onSelect,
  onAdded,
  onOpen,
  onLinkByKey,
}: {
  flow: Flow;
  places: readonly Place[];
  act: (command: Command) => void;
  selected: string | null;
  onSelect: (id: string | null) => void;
  onAdded: (id: string) => void;
  onOpen: (step: Step) => void;
  onLinkByKey: (id: string) => void;
}) {
  const now = useRef({ flow, selected, onSelect, onAdded, onOpen });
  now.current = { flow, selected, onSelect, onAdded, onOpen };
  const add = useCallback(
    (item: PaletteItem, at?: [number, number], onto?: Link) => {
      const { flow, selected } = now.current;
      const step = stepOf(item, flow, places);
      const leaf = selected !== null && !flow.links.some(({ from }) => from === selected);
      // Dropped by hand, it is linked only where nothing follows yet; the hand may have another place in mind.
      const after = selected !== null && (at === undefined || leaf) ? selected : null;
      act({ type: "addStep", step, at: at ?? placeAfter(flow, selected), after, onto });
      now.current.onAdded(step.id);
    },
    [act, places],
  );
  const handlers = useMemo<CanvasHandlers>(
    () => ({
      onSelect: (id) => now.current.onSelect(id),
      onMove: (layout) => act({ type: "moveSteps", layout }),
      onLink: (link) => {
        const why = whyNotLink(now.current.flow, link);
        if (why === null) act({ type: "linkSteps", link });
        else toast({ title: "This link cannot be drawn", description: why, kind: "info" });
      },
      onRemove: ({ steps, links }) => {
        act({ type: "removeSteps", ids: steps, links });
        const { selected, onSelect } = now.current;
        if (selected !== null && steps.includes(selected)) onSelect(null);
      },
      onDropItem: (id, at, onto) => {
        const item = paletteItems(places).find((one) => one.id === id);
        if (item) add(item, at, onto);
      },
      onLinkByKey,
      onOpen: (id) => {
        const step = now.current.flow.steps.find((one) => one.id === id);
        if (step) now.current.onOpen(step);
      },
    }),
    [act, add, onLinkByKey, places],
  );
  return { add, handlers };
}
