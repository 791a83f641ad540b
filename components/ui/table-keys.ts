"use client";
import { type RefObject, useEffect, useState } from "react";

/** True while keys belong to something else: a text box, an open dialog or menu, a shortcut of the browser. */
export function keysAreTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target as HTMLElement | null;
  if (
    target?.closest(
      "input, textarea, select, [contenteditable=true], [role=dialog], [role=alertdialog], [role=menu], [role=listbox]",
    )
  )
    return true;
  return document.querySelector("[data-modal]") !== null;
}

/**
 * j and k (or the arrows, inside the table) move along rows, Enter opens one.
 * @param length rows there are
 * @param onOpen opens the row with this index
 * @returns index of the row that is pointed at; -1 for none
 */
export function useTableKeys({
  length,
  onOpen,
  box,
  enabled,
  reveal,
}: {
  length: number;
  onOpen?: (index: number) => void;
  box: RefObject<HTMLElement | null>;
  enabled: boolean;
  reveal: (index: number) => void;
}): number {
  const [at, setAt] = useState(-1);
  const active = Math.min(at, length - 1);
  useEffect(() => {
    if (!enabled) return;
    const press = (event: KeyboardEvent) => {
      if (keysAreTaken(event)) return;
      const inside = box.current?.contains(event.target as Node) ?? false;
      const down = event.key === "j" || (inside && event.key === "ArrowDown");
      const up = event.key === "k" || (inside && event.key === "ArrowUp");
      if (down || up) {
        event.preventDefault();
        // Focus left on a link of another row would take the Enter meant for the row that is pointed at.
        if (inside) box.current?.focus({ preventScroll: true });
        const next = Math.max(0, Math.min(length - 1, active + (down ? 1 : -1)));
        setAt(next);
        reveal(next);
      } else if (event.key === "Enter" && active >= 0 && onOpen) {
        const focused = document.activeElement;
        if (focused && focused !== document.body && focused !== box.current) return;
        event.preventDefault();
        onOpen(active);
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [enabled, length, active, onOpen, box, reveal]);
  return active;
}
