/** Makes harmless what came from outside, before any schema sees it. */
import type { Json } from "../../connectors/sdk/types.ts";

const DEEPEST = 64;
const MOST_VALUES = 300_000;
const LONGEST_TEXT = 1_000_000;

/** A refusal: where in the input, what was found, what to do. */
export type Unusable = { path: string; message: string; remedy: string };

/**
 * A copy of `input` that is plain JSON: no cycles, nothing inherited, no more than 64 levels and 300,000 values.
 * What JSON does not know (`undefined` in a record) is left out as JSON.stringify does. Iterative, so that no input
 * exhausts the stack.
 */
export function plainCopy(input: unknown): { ok: true; value: Json } | { ok: false; unusable: Unusable } {
  let root: Json = null;
  let count = 0;
  type Task = {
    value: unknown;
    path: string;
    parents: ReadonlySet<unknown> | null;
    depth: number;
    put(copy: Json): void;
  };
  const tasks: Task[] = [
    {
      value: input,
      path: "",
      parents: null,
      depth: 0,
      put: (copy) => {
        root = copy;
      },
    },
  ];
  for (let task = tasks.pop(); task; task = tasks.pop()) {
    const { value, path, depth, put } = task;
    count += 1;
    if (count > MOST_VALUES) {
      return refuse("", `expected at most ${MOST_VALUES} values in a flow, found more`, "Split the flow in several.");
    }
    if (value === null || typeof value === "boolean") put(value);
    else if (typeof value === "number") {
      if (!Number.isFinite(value)) return refuse(path, `expected a number, found ${value}`, "Write a finite number.");
      put(value + 0);
    } else if (typeof value === "string") {
      if (value.length > LONGEST_TEXT)
        return refuse(path, "expected at most 1,000,000 characters, found more", "Shorten it.");
      put(value);
    } else if (typeof value === "object") {
      if (depth >= DEEPEST) return refuse(path, `expected at most ${DEEPEST} levels, found more`, "Nest it less deep.");
      if (task.parents?.has(value))
        return refuse(path, "found a value that holds itself", "Write it without the repetition.");
      const parents = new Set(task.parents ?? []).add(value);
      if (Array.isArray(value)) {
        if (value.length > MOST_VALUES) {
          return refuse(
            path,
            `expected at most ${MOST_VALUES} entries, found ${value.length}`,
            "Split the flow in several.",
          );
        }
        const list: Json[] = new Array(value.length).fill(null);
        put(list);
        for (let index = value.length - 1; index >= 0; index -= 1) {
          tasks.push({
            value: value[index] ?? null,
            path: `${path}[${index}]`,
            parents,
            depth: depth + 1,
            put: (copy) => {
              list[index] = copy;
            },
          });
        }
      } else {
        const prototype: unknown = Object.getPrototypeOf(value);
        if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
          return refuse(path, "expected plain data, found an object of a program", "Send JSON or YAML.");
        }
        const record: { [name: string]: Json } = {};
        put(record);
        for (const name of Object.keys(value)) {
          const place = path === "" ? name : `${path}.${name}`;
          if (name === "__proto__")
            return refuse(place, "found the name “__proto__”, which is not allowed", "Rename it.");
          const inner = (value as { [name: string]: unknown })[name];
          if (inner === undefined) continue;
          // reserves the place, so that names keep their order
          record[name] = null;
          tasks.push({
            value: inner,
            path: place,
            parents,
            depth: depth + 1,
            put: (copy) => {
              record[name] = copy;
            },
          });
        }
      }
    } else return refuse(path, `expected plain data, found a ${typeof value}`, "Send JSON or YAML.");
  }
  return { ok: true, value: root };
}

function refuse(path: string, message: string, remedy: string): { ok: false; unusable: Unusable } {
  return { ok: false, unusable: { path: path.length > 200 ? `${path.slice(0, 199)}…` : path, message, remedy } };
}

export function isJsonRecord(value: unknown): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
