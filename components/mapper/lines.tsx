"use client";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useState } from "react";
import { cx } from "../ui/cx.ts";

export type Line = { from: string; to: string; broken: boolean };
type Placed = Line & { x1: number; y1: number; x2: number; y2: number; far: boolean };

/** A curve from dot to dot. */
export function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = Math.max(24, Math.abs(x2 - x1) / 2);
  return `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}`;
}

/**
 * Lines between the dots of two lists that scroll apart. They follow the dots; the end of one that is scrolled away waits
 * at the edge of its list.
 */
export function Lines({
  box,
  panes,
  lines,
  pulled,
  lit,
  onLit,
  onPick,
}: {
  box: RefObject<HTMLDivElement | null>;
  panes: RefObject<HTMLElement | null>[];
  lines: readonly Line[];
  /** a line in the hand: from a source to the pointer, in client coordinates */
  pulled: { from: string; x: number; y: number } | null;
  lit: string | null;
  onLit: (to: string | null) => void;
  onPick: (to: string) => void;
}) {
  const [placed, setPlaced] = useState<Placed[]>([]);
  const [start, setStart] = useState<{ x: number; y: number } | null>(null);

  const measure = useCallback(() => {
    const frame = box.current;
    const [left, right] = panes.map((pane) => pane.current);
    if (!frame || !left || !right) return;
    const zero = frame.getBoundingClientRect();
    const clamp = (y: number, pane: HTMLElement): [number, boolean] => {
      const { top, bottom } = pane.getBoundingClientRect();
      const inside = Math.max(top + 6, Math.min(bottom - 6, y));
      return [inside - zero.top, inside !== y];
    };
    const sourceAt = (path: string) => {
      // A folded field's line begins at the record that holds it.
      for (let name = path; name !== ""; name = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "") {
        const dot = left.querySelector<HTMLElement>(`[data-source="${CSS.escape(name)}"]`);
        if (!dot) continue;
        const rect = dot.getBoundingClientRect();
        return { x: rect.left + rect.width / 2 - zero.left, y: rect.top + rect.height / 2 };
      }
      return null;
    };
    const next = lines.flatMap((line): Placed[] => {
      const from = sourceAt(line.from);
      const end = right.querySelector<HTMLElement>(`[data-line-end="${CSS.escape(line.to)}"]`);
      if (!from || !end) return [];
      const rect = end.getBoundingClientRect();
      const [y1, far1] = clamp(from.y, left);
      const [y2, far2] = clamp(rect.top + rect.height / 2, right);
      return [{ ...line, x1: from.x, y1, x2: rect.left - zero.left, y2, far: far1 || far2 }];
    });
    setPlaced((before) => (JSON.stringify(before) === JSON.stringify(next) ? before : next));
    const pulledFrom = pulled ? sourceAt(pulled.from) : null;
    setStart((before) => {
      const at = pulledFrom && { x: pulledFrom.x, y: pulledFrom.y - zero.top };
      return before?.x === at?.x && before?.y === at?.y ? before : at;
    });
  }, [box, panes, lines, pulled]);

  // After every drawing of the mapper: rows may have grown.
  useLayoutEffect(measure);
  useEffect(() => {
    let frame = 0;
    const soon = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    };
    const watcher = new ResizeObserver(soon);
    const elements = [box.current, ...panes.flatMap((pane) => [pane.current, pane.current?.firstElementChild])];
    for (const element of elements) if (element) watcher.observe(element);
    for (const pane of panes) pane.current?.addEventListener("scroll", soon, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      watcher.disconnect();
      for (const pane of panes) pane.current?.removeEventListener("scroll", soon);
    };
  }, [measure, box, panes]);

  const zero = box.current?.getBoundingClientRect();
  return (
    <svg
      aria-hidden="true"
      className="pointer-events-none absolute inset-0 z-10 h-full w-full overflow-hidden max-md:hidden"
    >
      {placed.map((line) => {
        const path = curve(line.x1, line.y1, line.x2, line.y2);
        const faded = lit !== null && lit !== line.to;
        return (
          <g
            key={`${line.from}→${line.to}`}
            className={cx("transition-opacity", faded ? "opacity-15" : line.far ? "opacity-40" : "opacity-100")}
          >
            <path
              d={path}
              fill="none"
              strokeWidth={lit === line.to ? 2 : 1.5}
              className={line.broken ? "stroke-bad" : lit === line.to ? "stroke-accent" : "stroke-faint"}
            />
            {/* biome-ignore lint/a11y/noStaticElementInteractions: the row it leads to does the same by keyboard */}
            <path
              d={path}
              fill="none"
              strokeWidth={12}
              stroke="transparent"
              className="pointer-events-[stroke] cursor-pointer"
              style={{ pointerEvents: "stroke" }}
              onMouseEnter={() => onLit(line.to)}
              onMouseLeave={() => onLit(null)}
              onClick={() => onPick(line.to)}
            />
          </g>
        );
      })}
      {pulled && start && zero && (
        <path
          d={curve(start.x, start.y, pulled.x - zero.left, pulled.y - zero.top)}
          fill="none"
          strokeWidth={2}
          className="stroke-accent"
          strokeDasharray="4 3"
        />
      )}
    </svg>
  );
}
