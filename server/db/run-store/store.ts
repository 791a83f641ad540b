/** The PostgreSQL side of engine/ports.ts for one attempt at one run. */
import type pg from "pg";
import type { RunStore } from "../../../engine/ports.ts";
import { noticeSilence } from "../../processes/presence.ts";
import { storeCheckpoint } from "./checkpoint.ts";
import { storeFinish, storeRelease, storeWait } from "./end.ts";
import { enterTogether, FEW } from "./enter-together.ts";
import { collectedItems } from "./groups.ts";
import { holdLease, inTransaction, type Lease } from "./lease.ts";
import { enterLedger, foreseeLedger, foreseenRecords, openLedger, settleLedger } from "./ledger.ts";
import { blockedKeys } from "./parked.ts";
import { storeStretchFinish, storeStretchRelease, storeStretchWait } from "./stretches.ts";
import type { Succession } from "./whole-run.ts";

/** What the store tells after something of the run changed, for the live screens. */
export type RunStoreListener = { checkpointed?(final: boolean): void; succession?: Succession };

export function runStore(pool: pg.Pool, lease: Lease, listener: RunStoreListener = {}): RunStore {
  return {
    async enter(address, entries, receipt) {
      if (!lease.stretch && entries.length <= FEW)
        await enterTogether(pool, { lease, address, drafts: entries, receipt });
      else await enterLedger(pool, lease, address, entries, receipt);
      noticeSilence(); // what was entered is sent next
    },
    foresee: (address, entries) => foreseeLedger(pool, lease, address, entries),
    foreseen: (step, keys) => foreseenRecords(pool, lease, step, keys),
    async checkpoint(checkpoint) {
      const reply = await storeCheckpoint(pool, lease, checkpoint, listener.succession);
      listener.checkpointed?.(checkpoint.after.kind !== "continue");
      return reply;
    },
    async wait(wait) {
      if (lease.stretch) await storeStretchWait(pool, lease, lease.stretch, wait);
      else await storeWait(pool, lease, wait);
      listener.checkpointed?.(true);
    },
    async finish(finish) {
      if (lease.stretch) await storeStretchFinish(pool, lease, lease.stretch, finish);
      else await storeFinish(pool, lease, finish);
      listener.checkpointed?.(true);
    },
    async release() {
      if (lease.stretch) await storeStretchRelease(pool, lease, lease.stretch);
      else await storeRelease(pool, lease);
      listener.checkpointed?.(true);
    },
    openEntries: () => openLedger(pool, lease),
    settleParts: (parts, fixes) =>
      inTransaction(pool, async (client) => {
        await holdLease(client, lease);
        await settleLedger(client, lease, parts, fixes);
      }),
    blocked: (keys, orParked) => blockedKeys(pool, lease.flowId, keys, orParked),
    collected: (step, after, limit) => collectedItems(pool, lease, step, after, limit),
    seen: (step, scope, keys) => seenKeys(pool, lease, step, scope, keys),
  };
}

async function seenKeys(
  pool: pg.Pool,
  lease: Lease,
  step: string,
  scope: "run" | "forever",
  keys: string[],
): Promise<Set<string>> {
  const scopes =
    scope === "run" ? [lease.runId] : lease.mode === "dry" ? [lease.flowId, `dry:${lease.runId}`] : [lease.flowId];
  const { rows } = await pool.query<{ key: string }>(
    "SELECT key FROM seen_key WHERE scope = ANY($1) AND step_id = $2 AND key = ANY($3)",
    [scopes, step, keys],
  );
  return new Set(rows.map(({ key }) => key));
}
