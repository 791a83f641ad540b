import { CircleAlert, CircleCheck, Copy, Equal, Filter, Hourglass, type LucideIcon } from "lucide-react";
import type { DeliveryItem } from "../../server/trpc/contract/runs.ts";
import { RunState } from "../runs/run-state.tsx";
import { StatusPill } from "../ui/pill.tsx";
import type { Tone } from "../ui/tone.ts";

const RESULTS: Record<NonNullable<DeliveryItem["outcome"]>, { word: string; tone: Tone; icon: LucideIcon }> = {
  created: { word: "Created", tone: "ok", icon: CircleCheck },
  updated: { word: "Updated", tone: "ok", icon: CircleCheck },
  deleted: { word: "Deleted", tone: "ok", icon: CircleCheck },
  unchanged: { word: "Already so", tone: "idle", icon: Equal },
  filtered: { word: "Filtered out", tone: "idle", icon: Filter },
  duplicate: { word: "Duplicate", tone: "idle", icon: Copy },
  dead: { word: "Failed", tone: "bad", icon: CircleAlert },
  held: { word: "Held back", tone: "idle", icon: Hourglass },
};

/** What became of a delivery; until it is known, how far its run is. */
export function DeliveryResult({ delivery: { outcome, status } }: { delivery: DeliveryItem }) {
  if (outcome === null) return <RunState run={{ state: status, mode: "live", kind: "flow" }} />;
  const { word, tone, icon } = RESULTS[outcome];
  return (
    <StatusPill tone={tone} icon={icon}>
      {word}
    </StatusPill>
  );
}
