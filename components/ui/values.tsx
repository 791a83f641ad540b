"use client";
import { useSyncExternalStore } from "react";
import { cx } from "./cx.ts";
import { exactTime, formatNumber, relativeTime } from "./format.ts";

let now = new Date(0);
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for all relative times of the tab. */
function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = new Date();
    for (const tell of listeners) tell();
  }, 15_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function readNow() {
  if (Date.now() - now.getTime() > 15_000) now = new Date();
  return now;
}

/** The time now, about every 15 seconds; null while rendering on the server, which does not know the reader's zone. */
export function useNow(): Date | null {
  return useSyncExternalStore<Date | null>(subscribe, readNow, () => null);
}

/**
 * “14:02”, “yesterday 14:02”; the exact time and zone on hover.
 * @param ahead it is still to come: when it is here, it is “now”, never “just now” or past
 */
export function RelativeTime({ at, ahead, className }: { at: string; ahead?: boolean; className?: string }) {
  const clock = useNow();
  return (
    <time dateTime={at} title={clock ? exactTime(at) : undefined} className={cx("whitespace-nowrap", className)}>
      {clock
        ? told(at, new Date(Math.max(clock.getTime(), Math.min(Date.now(), clock.getTime() + 15_000))), ahead)
        : ""}
    </time>
  );
}

const told = (at: string, now: Date, ahead = false) =>
  ahead && Date.parse(at) - now.getTime() < 10_000 ? "now" : relativeTime(at, now);

/** A number with thin separators and figures of equal width. */
export function Num({ value, digits, className }: { value: number; digits?: number; className?: string }) {
  return <span className={cx("tabular-nums", className)}>{formatNumber(value, digits)}</span>;
}
