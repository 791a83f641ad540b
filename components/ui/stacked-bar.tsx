import { cx } from "./cx.ts";
import { count, formatNumber } from "./format.ts";
import { solidTone, type Tone } from "./tone.ts";

export type Segment = {
  label: string;
  value: number;
  tone: Tone /** lighter, to tell two of the same meaning apart */;
  light?: boolean;
};

/**
 * Parts of a whole as one bar, with the numbers beneath it: total = part + part. What is not accounted for yet stays blank.
 * @param total the whole; parts may add up to less while something runs
 */
export function StackedBar({
  total,
  noun,
  segments,
}: {
  total: number /** “read”, “changes” */;
  noun: string;
  segments: Segment[];
}) {
  const shown = segments.filter((segment) => segment.value > 0);
  const sum = shown.reduce((all, segment) => all + segment.value, 0);
  const whole = Math.max(total, sum, 1);
  const spoken = `${formatNumber(total)} ${noun}: ${shown.map((segment) => `${formatNumber(segment.value)} ${segment.label}`).join(", ")}`;
  return (
    <div>
      <div role="img" aria-label={spoken} className="flex h-3 w-full gap-px overflow-hidden rounded-full bg-line">
        {shown.map((segment) => (
          <div
            key={segment.label}
            title={`${formatNumber(segment.value)} ${segment.label}`}
            style={{ width: `${(segment.value / whole) * 100}%` }}
            className={cx(
              "h-full min-w-1 transition-[width] duration-180",
              solidTone[segment.tone],
              segment.light && "opacity-55",
            )}
          />
        ))}
      </div>
      <div className="mt-2 flex flex-wrap items-baseline gap-x-2 gap-y-1 text-work tabular-nums">
        <span className="font-semibold text-ink">
          {formatNumber(total)} {noun}
        </span>
        {shown.map((segment, index) => (
          <span key={segment.label} className="inline-flex items-baseline gap-2">
            <span aria-hidden className="text-faint">
              {index === 0 ? "=" : "+"}
            </span>
            <span className="inline-flex items-center gap-1.5 text-ink">
              <span
                aria-hidden
                className={cx("size-2 rounded-full", solidTone[segment.tone], segment.light && "opacity-55")}
              />
              {formatNumber(segment.value)} {segment.label}
            </span>
          </span>
        ))}
        {sum < total && <span className="text-muted">+ {count(total - sum, "record")} on the way</span>}
      </div>
    </div>
  );
}
