import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx.ts";
import { softTone, type Tone } from "./tone.ts";

/** A state: icon and word on its soft ground, so that colour is never the only sign. */
export function StatusPill({
  tone,
  icon: Icon,
  moving,
  children,
}: {
  tone: Tone;
  icon: LucideIcon /** turns the icon, for what is under way */;
  moving?: boolean;
  children: ReactNode;
}) {
  return (
    <span
      className={cx(
        "inline-flex h-5 max-w-full items-center gap-1 rounded-full px-1.5 pr-2 text-caption font-medium whitespace-nowrap",
        softTone[tone],
      )}
    >
      <Icon aria-hidden className={cx("size-3 shrink-0", moving && "animate-spin")} />
      <span className="truncate">{children}</span>
    </span>
  );
}

/** A short word or number beside something else. */
export function Badge({ tone = "idle", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={cx(
        "inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-full px-1.5 text-[11px] leading-none font-medium whitespace-nowrap tabular-nums",
        softTone[tone],
      )}
    >
      {children}
    </span>
  );
}
