/** What tests of steps share. */
import type { StepContext } from "./define-step.ts";

/** A context that remembers in memory what the product keeps with each page's checkpoint. */
export function memoryContext(overrides: Partial<StepContext> = {}): StepContext {
  const kept = new Set<string>();
  const place = (step: string, scope: string, key: string) => JSON.stringify([step, scope, key]);
  return {
    now: new Date("2026-11-23T10:00:00Z"),
    timeZone: "UTC",
    mode: "live",
    signal: new AbortController().signal,
    seen: async (step, scope, keys) => new Set(keys.filter((key) => kept.has(place(step, scope, key)))),
    remember: (step, scope, keys) => {
      for (const key of keys) kept.add(place(step, scope, key));
    },
    ...overrides,
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
