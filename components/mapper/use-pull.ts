"use client";
import { type PointerEvent as ReactPointerEvent, type RefObject, useCallback, useState } from "react";

/** Pulls a line from a source dot to a target row with the pointer; a press without pulling takes the source in hand instead. */
export function usePull({
  right,
  onDrop,
  onPress,
  disabled,
}: {
  right: RefObject<HTMLElement | null>;
  onDrop: (from: string, to: string) => void;
  onPress: (from: string | null) => void;
  disabled: boolean;
}) {
  const [pulled, setPulled] = useState<{ from: string; x: number; y: number } | null>(null);
  const [aimed, setAimed] = useState<string | null>(null);
  const pull = useCallback(
    (from: string, event: ReactPointerEvent) => {
      if (disabled || event.button !== 0) return;
      event.preventDefault();
      const start = { x: event.clientX, y: event.clientY };
      let moved = false;
      const under = (x: number, y: number) =>
        document
          .elementsFromPoint(x, y)
          .map((element) => element.closest<HTMLElement>("[data-target]"))
          .find(Boolean)?.dataset.target ?? null;
      const move = ({ clientX: x, clientY: y }: PointerEvent) => {
        moved ||= Math.hypot(x - start.x, y - start.y) > 4;
        if (!moved) return;
        setPulled({ from, x, y });
        setAimed(under(x, y));
        const pane = right.current;
        if (!pane) return;
        const { top, bottom } = pane.getBoundingClientRect();
        if (y > bottom - 32) pane.scrollTop += 12;
        else if (y < top + 32) pane.scrollTop -= 12;
      };
      const end = ({ clientX: x, clientY: y, type }: PointerEvent) => {
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", end);
        window.removeEventListener("pointercancel", end);
        setPulled(null);
        setAimed(null);
        if (type === "pointercancel") return;
        const to = under(x, y);
        if (moved && to !== null) onDrop(from, to);
        else if (!moved) onPress(from);
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
      window.addEventListener("pointercancel", end);
    },
    [disabled, onDrop, onPress, right],
  );
  return { pulled, aimed, pull };
}
