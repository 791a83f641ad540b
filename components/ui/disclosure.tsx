"use client";
import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { cx } from "./cx.ts";

/** A part that is folded away until it is wanted. */
export function Disclosure({
  title,
  aside,
  initiallyOpen = false,
  children,
}: {
  title: ReactNode;
  aside?: ReactNode;
  initiallyOpen?: boolean;
  children: ReactNode;
}) {
  const [open, setOpen] = useState(initiallyOpen);
  return (
    <div className="min-w-0">
      <div className="flex items-center gap-2">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-h-7 min-w-0 flex-1 items-center gap-1.5 rounded-control text-left text-work font-medium text-muted hover:text-ink pointer-coarse:min-h-11"
        >
          <ChevronRight aria-hidden className={cx("size-3.5 shrink-0 transition-transform", open && "rotate-90")} />
          <span className="truncate">{title}</span>
        </button>
        {aside}
      </div>
      {open && <div className="mt-2 animate-rise">{children}</div>}
    </div>
  );
}
