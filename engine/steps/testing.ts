/** What tests of steps share. */
import { keyOfFields, pickFields } from "../../connectors/sdk/key-index.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import type { FindForStep, StepContext } from "./define-step.ts";
import { readerOf } from "./field-access.ts";

/** A context that remembers in memory what the product keeps with each page's checkpoint. */
export function memoryContext(overrides: Partial<StepContext> = {}): StepContext {
  const kept = new Set<string>();
  const place = (step: string, scope: string, key: string) => JSON.stringify([step, scope, key]);
  return {
    now: new Date("2026-11-23T10:00:00Z"),
    timeZone: "UTC",
    mode: "live",
    groups: "record",
    signal: new AbortController().signal,
    seen: async (step, scope, keys) => new Set(keys.filter((key) => kept.has(place(step, scope, key)))),
    remember: (step, scope, keys) => {
      for (const key of keys) kept.add(place(step, scope, key));
    },
    find: async () => {
      throw new Error("This test has no records to look up.");
    },
    ...overrides,
  };
}

/** Looks up in a list of records; `match` may be paths. */
export function findIn(holds: JsonRecord[]): StepContext["find"] {
  return async ({ match, keys, fields }: FindForStep) => {
    const nameOf = (record: JsonRecord) => keyOfFields(record, match);
    return keys.map((key) =>
      holds
        .filter((record) => {
          const values = match.map((field) => [field, readerOf(field)(record) ?? null]);
          return nameOf(Object.fromEntries(values)) === nameOf(key);
        })
        .map((record) => pickFields(record, fields)),
    );
  };
}

/** Makes any change to shared records an error. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
