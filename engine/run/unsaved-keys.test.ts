import { expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { executeFlow } from "./execute-flow.ts";
import { portsOf } from "./testing/memory-books.ts";
import { MemoryRun } from "./testing/memory-run.ts";
import { planOf, source } from "./testing/model-flow.ts";
import { Fate, MemoryTarget } from "./testing/protocol-model.ts";

it.each([3, 4, 5, 6, 7])(
  "knows a key again that came %i pages before and whose checkpoint is not stored",
  async (apart) => {
    const run = new MemoryRun();
    const target = new MemoryTarget("transaction");
    const after = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
    // pages take longer to land than to be prepared, and checkpoints longer than both
    const fate = new Fate(
      [],
      () => {},
      () => after(1),
    );
    const records = Array.from(
      { length: 4 * apart },
      (_, index): JsonRecord => ({ id: `r${index % apart}`, version: index }),
    );
    run.state = "running";
    const stored = run.store(fate, ++run.token);
    const known = new Set<string>();
    const store = {
      ...stored,
      // keys are known when the checkpoint that has them is stored
      checkpoint: async (...checkpoint: Parameters<typeof stored.checkpoint>) => {
        await after(5);
        const reply = await stored.checkpoint(...checkpoint);
        for (const { keys } of checkpoint[0].remembered) for (const key of keys) known.add(key);
        return reply;
      },
      seen: async (_step: string, _scope: string, keys: string[]) => new Set(keys.filter((key) => known.has(key))),
    };
    const state = {
      runId: "1",
      page: 0,
      totals: { ...run.books.totals },
      failures: 0,
      failingSince: null,
      stoppedAt: null,
    };
    const ports = portsOf({ kind: "transaction", target, fate, flaky: () => false }, store, source(records), 1);
    await executeFlow(
      planOf("transaction", 1, { dedupes: true }),
      {
        ...{ state, flowId: "flw", mode: "live", cursor: null, watermark: null },
        ...{ now: new Date(0), sliceMs: 1_000_000, attempt: 1 },
      },
      ports,
    );
    expect(run.state).toBe("succeeded");
    expect(target.versions).toEqual(Array.from({ length: apart }, (_, index) => `r${index}@${index}`));
  },
);
