/** What steps may use while a page of a run is prepared. */
import type { RunPorts } from "../ports.ts";
import type { StepContext } from "../steps/define-step.ts";
import type { FlowJob } from "./execute-flow.ts";
import type { RecordFinder } from "./find-records.ts";
import type { PageResult } from "./page.ts";

/** Keys that dedupe steps let through in pages whose checkpoint may not be stored yet: the next page must know them. */
export class UnsavedKeys {
  readonly #unsaved: number;
  readonly #pages: { number: number; id: string; keys: Set<string> }[] = [];

  /** @param width pages that are written at once; beside them one may be prepared, and the checkpoint of one be on its way */
  constructor(width: number) {
    this.#unsaved = width + 1;
  }

  /** What the page with this number sees and remembers. */
  of(number: number, remembered: PageResult["remembered"]) {
    while (this.#pages[0] && this.#pages[0].number < number - this.#unsaved) this.#pages.shift();
    return {
      has: (id: string, key: string) => this.#pages.some((page) => page.id === id && page.keys.has(key)),
      remember: (step: string, scope: "run" | "forever", keys: string[]) => {
        if (keys.length === 0) return;
        remembered.push({ step, scope, keys });
        this.#pages.push({ number, id: `${scope}/${step}`, keys: new Set(keys) });
      },
    };
  }
}

/** What the steps of one page may use. */
export function stepContext(
  job: FlowJob,
  ports: RunPorts,
  timeZone: string,
  unsaved: ReturnType<UnsavedKeys["of"]>,
  finder: RecordFinder,
): StepContext {
  return {
    now: job.now,
    timeZone,
    mode: job.mode,
    groups: "run",
    signal: ports.signal,
    async seen(step, scope, keys) {
      const seen = await ports.store.seen(step, scope, keys);
      for (const key of keys) if (unsaved.has(`${scope}/${step}`, key)) seen.add(key);
      return seen;
    },
    remember: unsaved.remember,
    find: (request) => finder.find(request),
  };
}
