/** Flows, their versions and previews, as the screens get them. */
import type { JsonRecord } from "../../../connectors/sdk/types.ts";
import type { Problem, Shape } from "../../../engine/steps/define-step.ts";
import type { RunSummary } from "./runs.ts";

export type FlowHealth = "ok" | "running" | "attention" | "waiting" | "paused" | "draft";

export type FlowSummary = {
  id: string;
  name: string;
  health: FlowHealth;
  /** one sentence: why this health */
  healthText: string;
  liveVersion: number | null;
  draftChanged: boolean;
  paused: boolean;
  /** it is stopped because too much failed, and not by a person */
  stoppedItself: boolean;
  timing: string;
  connections: string[];
  nextRunAt: string | null;
  lastRun: RunSummary | null;
  openLetters: number;
  updatedAt: string;
};

export type Note = { step: string; message: string };

export type Validation = {
  problems: Problem[];
  notes: Note[];
  shapes: { [stepId: string]: { input: Shape; output: { [port: string]: Shape } } };
};

export type Watching = { live: boolean | null; note: string | null };

export type FlowDetail = {
  id: string;
  name: string;
  document: unknown;
  revision: number;
  validation: Validation;
  live: { version: number; publishedAt: string; publishedBy: string; note: string } | null;
  changes: string[];
  paused: boolean;
  /** why it stopped by itself */
  pausedReason: string | null;
  hook: string | null;
  /** of a flow that follows changes: whether they are recorded (null: not known yet), else why not */
  watching: Watching | null;
  nextRunAt: string | null;
  lastRun: RunSummary | null;
};

export type VersionSummary = {
  version: number;
  note: string;
  publishedAt: string;
  publishedBy: string;
  changes: string[];
};

/** What leaves a step for one sample record: the record before it, and after it or why it ended. */
export type PreviewAt = {
  key: string;
  before: JsonRecord;
  after: JsonRecord | null;
  port?: string;
  ended?: { outcome: string; field?: string; message?: string };
};
