/** Home, search and the live stream, as the screens get them. */
import type { RunState } from "../../../engine/run/states.ts";
import type { Outage } from "./connections.ts";
import type { FlowSummary } from "./flows.ts";
import type { Counts, RunStepCounts, RunSummary, UndoCounts } from "./runs.ts";

export type HomeSummary = {
  flows: FlowSummary[];
  lastRuns: RunSummary[];
  attention: {
    kind: "letters" | "connection" | "run" | "flow" | "approvals";
    title: string;
    detail: string;
    href: string;
    count?: number;
    outage?: Outage;
  }[];
  /** how many more need somebody */
  attentionLeftOut: number;
  today: { runs: number; written: number; failed: number };
  workersAlive: number;
  sample: SampleState;
};

/** `why`: there is no sample company, for the person; null when there was one, or nobody wants one. */
export type SampleState = { state: "here" } | { state: "coming" } | { state: "none"; why: string | null };

/** One event of the live stream. Small: ids and counters; the screen refetches what it needs. */
export type LiveEvent =
  | {
      type: "run";
      runId: string;
      flowId: string;
      state: RunState;
      counts: Counts & Partial<UndoCounts>;
      steps?: RunStepCounts[];
    }
  | { type: "letters"; flowId: string | null }
  | { type: "approvals"; flowId: string }
  | { type: "connection"; connectionId: string }
  | { type: "flow"; flowId: string };

export type SearchHit = {
  kind: "flow" | "connection" | "run" | "record" | "page";
  title: string;
  detail: string;
  href: string;
};
