/** After a crash: finds out what became of writes that were being sent, before anything is sent again. */
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { UNDER_WAY_MS } from "../../connectors/sdk/under-way.ts";
import type { LedgerFix, OpenEntry, PartAddress, RecoveryPorts } from "../ports.ts";
import { findSink } from "../steps/connection.ts";
import { nameOf, OpenEntries } from "./open-entries.ts";

type Verdict = "landed" | "absent" | "unknown";

/**
 * Settles the open ledger rows of earlier attempts: by receipt (a transaction id), else by reading the target back and
 * comparing, else they stay "sending" and the write step decides (idempotency key, or a person). A create whose key the target
 * knows is not looked for in vain: it is sent again under its key, whether it is still on its way or not.
 *
 * @param ends nothing is sent again: what is not there counts as not written
 * @returns rows that landed or may have, one for each change, in the order they were entered
 */
export async function recoverOpenEntries(ports: RecoveryPorts, ends = false): Promise<OpenEntries> {
  const { entries, receipts } = await ports.store.openEntries();
  const open = new Map<string, { entry: OpenEntry; at: number }>();
  const placeOf = new Map(entries.map((entry, at) => [entry, at]));
  const byPart = new Map<string, Verdict>();
  for (const { address, receipt } of receipts) {
    const { session } = await ports.connectionById(address.connection);
    if (session.settle) byPart.set(partKey(address), await session.settle(receipt, ports.signal));
  }
  const fixes: LedgerFix[] = [];
  // one idempotency key stands for one change: of several entries for it, the first that landed is the one that counts
  const keep = (found: OpenEntry, state = found.state) => {
    const entry = { ...found, state };
    const id = nameOf(entry.address.step, entry.idempotencyKey);
    const known = open.get(id)?.entry;
    const better = !known || (known.state === "sending" && entry.state === "done");
    const loser = better ? known : entry;
    if (better) open.set(id, { entry, at: placeOf.get(found) ?? 0 });
    if (loser) fixes.push({ ...loser.address, key: loser.key, landed: false });
  };
  const settledParts = new Map<string, { address: PartAddress; landed: boolean }>();
  const toRead = new Map<string, OpenEntry[]>();
  for (const entry of entries) {
    if (entry.state === "done") {
      keep(entry);
      continue;
    }
    const verdict = byPart.get(partKey(entry.address)) ?? "unknown";
    if (verdict === "unknown") {
      const id = `${entry.address.step}\u0000${entry.address.sink}\u0000${entry.operation}`;
      toRead.set(id, [...(toRead.get(id) ?? []), entry]);
      continue;
    }
    settledParts.set(partKey(entry.address), { address: entry.address, landed: verdict === "landed" });
    if (verdict === "landed") keep(entry, "done");
  }
  const doubtful = new Set<string>();
  const looked = new Map<string, PartAddress>();
  for (const group of await readAll(ports, [...toRead.values()], entries, ends)) {
    for (const { entry, verdict } of group) {
      looked.set(partKey(entry.address), entry.address);
      if (verdict === "unknown") doubtful.add(partKey(entry.address));
      if (verdict === "absent") fixes.push({ ...entry.address, key: entry.key, landed: false });
      else if (verdict === "landed") {
        fixes.push({ ...entry.address, key: entry.key, landed: true });
        keep(entry, "done");
      } else keep(entry);
    }
  }
  // whole again: what did not land is among the fixes
  for (const [key, address] of looked) if (!doubtful.has(key)) settledParts.set(key, { address, landed: true });
  if (settledParts.size > 0 || fixes.length > 0) await ports.store.settleParts([...settledParts.values()], fixes);
  const inOrder = [...open.values()].sort((a, b) => a.at - b.at);
  return new OpenEntries(inOrder.map(({ entry }) => entry));
}

/**
 * As `recoverOpenEntries`, for what ends in any case: entries of a connection that cannot be asked now stay open, and a person
 * looks.
 */
export async function recoverWhatAnswers(ports: RecoveryPorts): Promise<void> {
  const { entries, receipts } = await ports.store.openEntries();
  const connections = new Set([...entries, ...receipts].map(({ address }) => address.connection));
  for (const connection of connections) {
    const of = <T extends { address: PartAddress }>(all: T[]) =>
      all.filter(({ address }) => address.connection === connection);
    const openEntries = async () => ({ entries: of(entries), receipts: of(receipts) });
    try {
      await recoverOpenEntries({ ...ports, store: { ...ports.store, openEntries } }, true);
    } catch (error) {
      if (!(error instanceof IntegrationError)) throw error;
    }
  }
}

function partKey({ step, page, part }: PartAddress): string {
  return `${step}/${page}/${part}`;
}

type Judged = { entry: OpenEntry; verdict: Verdict };

/** Reads back, and once more after a while what was not found: the worker that sent it is gone, its request may not be. */
async function readAll(
  ports: RecoveryPorts,
  groups: OpenEntry[][],
  entries: readonly OpenEntry[],
  ends: boolean,
): Promise<Judged[][]> {
  const read: Judged[][] = [];
  for (const group of groups) read.push(await readVerdicts(ports, group));
  landOverwritten(read.flat(), entries);
  const judged: Judged[][] = [];
  for (const found of read) judged.push(ends ? found : await leftToKeys(ports, found));
  const absent = ({ verdict }: Judged) => verdict === "absent";
  if (!judged.some((group) => group.some(absent))) return judged;
  await ports.sleep(UNDER_WAY_MS, ports.signal);
  for (const [at, group] of judged.entries()) {
    if (!group.some(absent)) continue;
    const again = await readVerdicts(ports, groups[at] as OpenEntry[]);
    judged[at] = group.map((one, index) => (absent(one) ? (again[index] as Judged) : one));
  }
  landOverwritten(judged.flat(), entries);
  return judged;
}

/** What a later change of its record has overwritten is not found as it was sent, and landed: that change was only made after it. */
function landOverwritten(judged: Judged[], entries: readonly OpenEntry[]): void {
  const judgedOf = new Map(judged.map((one) => [one.entry, one]));
  const landed = new Map<string, OpenEntry>();
  for (const entry of [...entries].reverse()) {
    const record = nameOf(entry.address.step, entry.key);
    const later = landed.get(record);
    const one = judgedOf.get(entry);
    // an earlier try of that very change is none of its own
    if (one?.verdict === "absent" && later && later.idempotencyKey !== entry.idempotencyKey) one.verdict = "landed";
    if (one ? one.verdict === "landed" : entry.state === "done") landed.set(record, entry);
  }
}

async function leftToKeys({ connectionById }: RecoveryPorts, judged: Judged[]): Promise<Judged[]> {
  const [first] = judged;
  if (!first) return judged;
  const { connection, sink } = first.entry.address;
  if (!findSink((await connectionById(connection)).sinks, sink)?.idempotencyKeys) return judged;
  return judged.map(({ entry, verdict }) => {
    return { entry, verdict: verdict === "absent" && entry.operation === "create" ? "unknown" : verdict };
  });
}

/** Compares what was entered with what the target holds. The target as the entry wanted it: landed. */
async function readVerdicts(ports: RecoveryPorts, group: OpenEntry[]): Promise<Judged[]> {
  const first = group[0] as OpenEntry;
  const connection = await ports.connectionById(first.address.connection);
  const sink = findSink(connection.sinks, first.address.sink);
  if (!sink?.readBack) return group.map((entry) => ({ entry, verdict: "unknown" }));
  const verdicts = new Map<OpenEntry, Verdict>();
  // each record once per question: asked together, the answer for the second would already assume the first
  for (const entries of onceEach(group)) {
    const outcomes = await connection.session.foresee({
      sink: first.address.sink,
      operation: first.operation === "delete" ? "delete" : "upsert",
      match: Object.keys(first.identity),
      records: entries.map((entry) => ({
        key: entry.key,
        values: wanted(entry),
        idempotencyKey: entry.idempotencyKey,
      })),
      signal: ports.signal,
    });
    for (const [index, entry] of entries.entries()) {
      const outcome = outcomes[index]?.outcome;
      verdicts.set(entry, outcome === "unchanged" ? "landed" : outcome === "failed" ? "unknown" : "absent");
    }
  }
  return group.map((entry) => {
    return { entry, verdict: verdicts.get(entry) ?? "unknown" };
  });
}

/** The n-th entry of each record in the n-th list. */
function onceEach(group: OpenEntry[]): OpenEntry[][] {
  const lists: OpenEntry[][] = [];
  const times = new Map<string, number>();
  for (const entry of group) {
    const time = times.get(entry.key) ?? 0;
    times.set(entry.key, time + 1);
    const list = lists[time];
    if (list) list.push(entry);
    else lists.push([entry]);
  }
  return lists;
}

function wanted(entry: OpenEntry): JsonRecord {
  return { ...entry.identity, ...entry.after };
}
