"use client";
import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import { formatNumber } from "./format.ts";

export type Tab = { value: string; label: ReactNode; count?: number; content: ReactNode };

/** Parts of one page of which one is seen at a time. */
export function Tabs({
  tabs,
  value,
  onChange,
  label,
}: {
  tabs: Tab[];
  value: string;
  onChange: (value: string) => void;
  label: string;
}) {
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(String(next))} className="flex min-h-0 min-w-0 flex-col">
      <Base.List
        aria-label={label}
        className="thin-scroll relative flex gap-4 overflow-x-auto overflow-y-hidden border-b border-line"
      >
        {tabs.map((tab) => (
          <Base.Tab
            key={tab.value}
            value={tab.value}
            className="-mb-px flex h-9 shrink-0 items-center gap-1.5 border-b-2 border-transparent text-work font-medium whitespace-nowrap text-muted -outline-offset-2 hover:text-ink data-active:border-accent data-active:text-ink pointer-coarse:h-11"
          >
            {tab.label}
            {tab.count !== undefined && (
              <span className="text-caption font-normal text-muted tabular-nums">{formatNumber(tab.count)}</span>
            )}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} className="min-h-0 min-w-0 flex-1 pt-3 outline-offset-4">
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
