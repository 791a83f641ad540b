import type { FailureInfo } from "../../../connectors/sdk/errors.ts";
import type { Field, Json, JsonRecord, Operation, SinkInfo } from "../../../connectors/sdk/types.ts";
import { convertValue } from "../../mapping/convert-value.ts";
import { nearest } from "../../mapping/nearest.ts";
import { parseNumeric } from "../../mapping/number.ts";
import { setField } from "../../mapping/value.ts";
import type { Shape } from "../define-step.ts";
import { isEmpty, joinKey, keyText } from "../field-access.ts";
import { atField, failureCode } from "../words.ts";
import { quickConverter } from "./quick-convert.ts";
import type { WriteStep } from "./schema.ts";

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
  /**
   * The record's key in the ledger: its match values joined with "|" ("|" and "\" escaped by "\"). An insert without
   * match takes the sink's first known key, when its values are there; else "".
   */
  writeKey(values: JsonRecord): string;
};

type Converted = { ok: true; values: JsonRecord } | { ok: false; failure: FailureInfo };

/** @param input what arrives at the step */
export function compileWrite(step: WriteStep, info: SinkInfo | undefined, input: Shape): CompiledWrite {
  const match = step.match ?? [];
  const keyFields = match.length > 0 ? match : (info?.matchKeys[0] ?? []);
  return {
    connection: step.connection,
    sink: step.sink,
    operation: step.operation,
    match,
    ...(info ? { info } : {}),
    toWrite: compileToWrite(step, match, info, input),
    writeKey(values) {
      const parts: string[] = [];
      for (const field of keyFields) {
        const value = values[field];
        if (value === undefined || isEmpty(value)) return "";
        parts.push(keyText(value));
      }
      return joinKey(parts);
    },
  };
}

function compileToWrite(
  step: WriteStep,
  match: readonly string[],
  info: SinkInfo | undefined,
  input: Shape,
): (record: JsonRecord) => Converted {
  const targets = new Map((info?.fields ?? []).map((field) => [field.name, { field, quick: quickConverter(field) }]));
  const needed = neededFields(step, match, info);
  const matched = new Set(match);
  const onlyMatch = step.operation === "delete";
  const open = info === undefined || info.open;
  const numbers = new Set(info?.jsonNumbers ? input.fields.filter(isNumeric).map(({ name }) => name) : []);

  return (record) => {
    const values: JsonRecord = {};
    for (const name of Object.keys(record)) {
      if (onlyMatch && !matched.has(name)) continue;
      const value = record[name]!;
      const to = targets.get(name);
      if (to === undefined) {
        if (!open)
          return refuse(
            step,
            "write-unknown-field",
            name,
            `sink “${step.sink}” has no such field. ${hint(name, targets.keys())}`,
          );
        setField(values, name, numbers.has(name) ? asNumber(value) : value);
      } else {
        const quick = to.quick(value);
        if (quick !== undefined) {
          values[name] = quick;
          continue;
        }
        const converted = convertValue(value, to.field.type, to.field);
        if (!converted.ok) {
          return refuse(
            step,
            `write-${failureCode(converted.code)}`,
            name,
            `${converted.message}. ${converted.remedy}`,
          );
        }
        values[name] = converted.value;
      }
    }
    for (const name of needed) {
      if (isMissing(values[name], matched.has(name))) {
        const why = matched.has(name) ? "it finds the record in the target" : `sink “${step.sink}” requires it`;
        return refuse(
          step,
          "write-missing",
          name,
          `expected a value, because ${why}, found nothing. Fill it in and retry, or map a value for the empty case.`,
        );
      }
    }
    return { ok: true, values };
  };
}

const isNumeric = ({ type }: Field) => type === "decimal" || type === "integer";

/** Digit text of a decimal or large integer as a number, where that is the same number; other values as they are. */
function asNumber(value: Json): Json {
  const number = typeof value === "string" ? parseNumeric(value) : undefined;
  return typeof number === "number" ? number : value;
}

/** Match fields always; what the sink requires when a record may be created, else only when it is sent. */
function neededFields(step: WriteStep, match: readonly string[], info: SinkInfo | undefined): string[] {
  const creates = step.operation === "insert" || step.operation === "upsert";
  const required = creates
    ? (info?.fields ?? []).filter((field) => field.required && !field.default).map(({ name }) => name)
    : [];
  return [...new Set([...match, ...required])];
}

/** Empty text is a value for the target, but finds no record. */
function isMissing(value: Json | undefined, matched: boolean): boolean {
  return value === undefined || value === null || (matched && isEmpty(value));
}

function hint(name: string, known: Iterable<string>): string {
  const close = nearest(name, known);
  return close ? `Did you mean “${close}”?` : "Leave it out by a map before this step.";
}

function refuse(step: WriteStep, code: string, field: string, text: string): Converted {
  return { ok: false, failure: { kind: "rejected", code, field, message: `${atField(step, field)}: ${text}` } };
}
