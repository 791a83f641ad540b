/** What a step kind is made of. One folder per kind in engine/steps, one line in engine/steps/registry.ts. */
import type { z } from "zod";
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { Field, FindRequest, JsonRecord, SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";

/** The fields at one point of a flow. `open`: a record may hold fields that are not listed (a webhook without a sample). */
export type Shape = { fields: Field[]; open: boolean };

/** Something a person must mend before publishing: where, what, and how. */
export type Problem = { step: string; field?: string; message: string; remedy: string };

/** Something worth knowing that does not prevent publishing. */
export type Note = { step: string; field?: string; message: string };

/** What one connection offers, as far as it is known. `unavailable` says why nothing is known. */
export type ConnectionShape = {
  name: string;
  connector: string;
  streams?: StreamInfo[];
  sinks?: SinkInfo[];
  unavailable?: string;
};

/** All that validation needs to know of the world outside the document. */
export type FlowWorld = {
  connections: ReadonlyMap<string, ConnectionShape>;
  /** learnt fields of a trigger without a declared shape, by step id */
  learnt?: ReadonlyMap<string, Field[]>;
  /** the other published flows that start with events of topics */
  listeners?: readonly Listener[];
};

/** A published flow as others meet it: what starts it, and what it publishes in turn. */
export type Listener = {
  name: string;
  topic: string;
  types?: readonly string[] | undefined;
  publishes: readonly { topic: string; type: string }[];
};

/** Outcomes of a record (DESIGN §1), best last: the least good part decides for a record that fanned out. */
export const OUTCOMES = [
  "dead",
  "held",
  "duplicate",
  "filtered",
  "unchanged",
  "deleted",
  "updated",
  "created",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Records on their way through a page. `origins[i]` is the index, in the page as it was read, of the record that
 * `records[i]` came from; a record that fans out has several parts with one origin.
 */
export type Batch = { records: JsonRecord[]; origins: number[] };

/** A part that ends at a step. `record` is the part as it entered the step. */
export type Ended = { origin: number; outcome: Outcome; record: JsonRecord; failure?: FailureInfo; key?: string };

/** A part that waits for its group, which leaves at the end of the run. */
export type Collected = { key: string; record: JsonRecord; origin: number };

/** An event to publish; its part ended here. */
export type Published = { origin: number; topic: string; type: string; subject?: string; data: JsonRecord };

/** What a person is asked; `otherwise` is the answer when the time is over. */
export type Question = { question?: string; show?: string[]; who?: string[]; otherwise?: "yes" | "no" };

/**
 * A part that is kept and goes on later, in a run of its own; it has ended here as held. It goes on at `at`, `afterMs` after it was stored, or
 * when somebody answered.
 */
export type HeldPart = { origin: number; record: JsonRecord; at?: string; afterMs?: number; ask?: Question };

export type StepResult = {
  out: { [port: string]: Batch };
  ended: Ended[];
  collected?: Collected[];
  published?: Published[];
  held?: HeldPart[];
};

/** What an executor may use while a page is worked on. */
export type StepContext = {
  /** fixed for the whole run, so that a page worked on twice gives the same */
  now: Date;
  timeZone: string;
  mode: "live" | "dry";
  /**
   * How far a collect over a run reaches: to the run's end; or, where each record is a run of its own, only over the parts of
   * one record; or, in a preview, over the page.
   */
  groups: "run" | "record" | "page";
  signal: AbortSignal;
  /** dedupe: which of `keys` (unique) were let through before this page; the page's checkpoint stores the new ones */
  seen(stepId: string, scope: "run" | "forever", keys: string[]): Promise<Set<string>>;
  /** remembers keys with this page's checkpoint */
  remember(stepId: string, scope: "run" | "forever", keys: string[]): void;
  /** lookup: the records each key finds in another system, in the order of `keys`. Throws what interrupts the page. */
  find(request: FindForStep): Promise<JsonRecord[][]>;
};

/** What a step looks up; `keys` hold a value for each of the stream's fields `match`, none empty, no two alike. */
export type FindForStep = Omit<FindRequest, "signal"> & { step: string; connection: string };

/** Works on one batch. Never throws for a record's sake: such a record is `ended` as dead with its failure. */
export type StepExecutor = (batch: Batch, context: StepContext) => StepResult | Promise<StepResult>;

export type StepRole = "trigger" | "middle" | "end";

/** What a step sees of its surroundings while it is validated and compiled. */
export type StepSite<S> = { step: S; input: Shape; world: FlowWorld };

export type StepDefinition<S extends { id: string; kind: string } = { id: string; kind: string }> = {
  kind: S["kind"];
  role: StepRole;
  /** makes: several records may leave for one that came (split); joins: one for several (collect) */
  parts?: "makes" | "joins";
  title: string;
  /** one sentence for the palette */
  summary: string;
  /** lucide icon name and the tint of its tile */
  icon: string;
  tint: "teal" | "blue" | "amber" | "violet" | "green" | "slate" | "rose";
  schema: z.ZodType<S>;
  /** out-ports by name; "out" is the plain one. Ends have none. */
  ports(step: S): { name: string; title: string }[];
  /** the shape at each out-port */
  output(site: StepSite<S>): { [port: string]: Shape };
  /** problems of this step alone, in the light of what arrives */
  problems(site: StepSite<S>): Problem[];
  /** what a person should know and may leave as it is */
  notes?(site: StepSite<S>): Note[];
  /** the executor. Triggers and writes are carried out by engine/run. */
  compile?(site: StepSite<S>): StepExecutor;
  /** one line for the card on the canvas ("5 rules", "11 of 12 fields") */
  describe(step: S): string;
  /** a new step as the palette drops it, without its id */
  draft(): Omit<S, "id">;
  /** documented uses; a test runs each: input records → what leaves by port, what ends */
  examples: StepExample[];
};

export type StepExample = {
  title: string;
  step: { [name: string]: unknown };
  input: JsonRecord[];
  /** which record of the page each is a part of; absent: each is one of its own */
  origins?: number[];
  /** what the stream of a lookup holds */
  holds?: JsonRecord[];
  out?: { [port: string]: JsonRecord[] };
  ended?: { outcome: Outcome; code?: string; field?: string }[];
  published?: Omit<Published, "origin">[];
};

export function defineStep<S extends { id: string; kind: string }>(definition: StepDefinition<S>): StepDefinition<S> {
  return definition;
}
