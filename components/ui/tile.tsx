import type { LucideIcon } from "lucide-react";
import { cx } from "./cx.ts";
import { softTone, type Tone } from "./tone.ts";

export type Tint = "teal" | "blue" | "amber" | "violet" | "green" | "slate" | "rose";
const tones: Record<Tint, Tone> = {
  teal: "accent",
  blue: "run",
  amber: "warn",
  violet: "dry",
  green: "ok",
  slate: "idle",
  rose: "bad",
};

/** A simple mark on a tinted ground: an icon, or up to three letters. Decoration; the name stands beside it. */
export function Tile({
  tint,
  icon: Icon,
  letters,
  large,
}: {
  tint: string;
  icon?: LucideIcon;
  letters?: string;
  large?: boolean;
}) {
  const tone = tones[tint as Tint] ?? "idle";
  return (
    <span
      aria-hidden
      data-tile
      className={cx(
        "inline-flex shrink-0 items-center justify-center rounded-control font-semibold tracking-tight",
        large ? "size-9 text-work" : "size-6 text-[10px]",
        softTone[tone],
      )}
    >
      {Icon ? <Icon className={large ? "size-4.5" : "size-3.5"} /> : letters}
    </span>
  );
}
