/** Makes a plan of a flow: step executors in an order in which each comes after all that feed it. */
import type { FailureInfo } from "../../connectors/sdk/errors.ts";
import type { JsonRecord, Operation, SinkInfo } from "../../connectors/sdk/types.ts";
import type { FlowWorld, Problem, Shape, StepDefinition, StepExecutor, StepRole } from "../steps/define-step.ts";
import type { Timing } from "./schedule.ts";
import type { Flow, Step, StepKind } from "./schema.ts";

/** What a write step does to each record before its connector gets it. */
export type CompiledWrite = {
  connection: string;
  sink: string;
  operation: Operation;
  /** empty for an insert without match */
  match: string[];
  /** undefined when the connection could not be asked; then records pass as they are */
  info?: SinkInfo;
  /** Picks the sink's fields and converts each strictly; a failure is of kind "rejected" and names the field. */
  toWrite(record: JsonRecord): { ok: true; values: JsonRecord } | { ok: false; failure: FailureInfo };
  /** The record's key in the ledger: its match values joined with "|" ("|" and "\" escaped by "\"); "" when it has none. */
  writeKey(values: JsonRecord): string;
};

export type CompiledStep = {
  id: string;
  kind: StepKind;
  role: StepRole;
  /** the user's title, else the kind's */
  title: string;
  definition: StepDefinition;
  step: Step;
  /** middle steps only. Call it once per page with all records that arrive, whatever link they came by. */
  executor?: StepExecutor;
  /** ends only */
  write?: CompiledWrite;
  /** by out-port, the steps that get its records. A port that leads nowhere has []: its records end here as filtered. */
  next: { [port: string]: string[] };
  /** by out-port, the steps it leads to that were cut from this plan */
  cutNext: { [port: string]: string[] };
  input: Shape;
  output: { [port: string]: Shape };
};

export type Plan = {
  flow: Flow;
  trigger: CompiledStep;
  /** topological, the trigger first */
  order: CompiledStep[];
  steps: ReadonlyMap<string, CompiledStep>;
  /** The key of a record as the trigger read it (order by key, journeys); null when it has none. */
  keyOf(record: JsonRecord): string | null;
  timing: Timing;
  /** tolerant: steps left out because they, or one before them, have a problem; in the order of the document */
  cut: string[];
};

export type CompileOptions = {
  /** leave out every step that `upTo` does not depend on */
  upTo?: string;
  /** leave out steps with problems and all after them instead of refusing (drafts) */
  tolerant?: boolean;
  /** ids of steps that could not be read at all (`readDraft`); they count as steps with problems */
  broken?: Iterable<string>;
};

/** A plan, or the problems that prevent it. With `tolerant` there may be both. */
export function compileFlow(
  _flow: Flow,
  _world: FlowWorld,
  _options: CompileOptions = {},
): { plan?: Plan; problems: Problem[] } {
  throw new Error("Not compiled yet.");
}
