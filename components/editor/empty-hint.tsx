import { MousePointerClick } from "lucide-react";

/** What to do with an empty canvas. */
export function EmptyHint({ narrow, readOnly }: { narrow: boolean; readOnly: boolean }) {
  return (
    <div className="pointer-events-none absolute inset-0 flex items-center justify-center p-6">
      <div className="max-w-sm rounded-card border border-dashed border-edge bg-surface/80 px-6 py-5 text-center">
        <MousePointerClick aria-hidden className="mx-auto mb-2 size-6 text-faint" />
        <p className="text-body font-medium text-ink">Nothing moves yet</p>
        <p className="mt-1 text-work text-balance text-muted">
          {readOnly
            ? "Whoever may build flows has not drawn this one."
            : narrow
              ? "Press Add and choose what you want to read. Then a check or a map, then where it is written."
              : "Drag what you want to read from the left, or press it. Then a check or a map, then where it is written."}
        </p>
      </div>
    </div>
  );
}
