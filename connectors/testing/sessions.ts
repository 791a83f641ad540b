/** Small things the parts of the contract suite share. */
import { expect } from "vitest";
import type { Connector, ConnectorSession, JsonRecord, ReadPage, ReadRequest } from "../sdk/types.ts";
import type { LedgerEntry, UndoRecord, WriteHooks, WriteRecord } from "../sdk/writing.ts";
import type { ContractPlace, ContractRecord, ContractSystem } from "./fixture.ts";

/** Parses settings and credentials by the connector's schemas and opens a session. */
export function openSession<S, C>(
  connector: Connector<S, C>,
  system: ContractSystem,
  change: { settings?: unknown; credentials?: unknown; allowPrivateNetwork?: boolean } = {},
): Promise<ConnectorSession> {
  return connector.open({
    name: "Contract test",
    settings: connector.settings.parse(change.settings ?? system.settings),
    credentials: connector.credentials.parse(change.credentials ?? system.credentials),
    allowPrivateNetwork: change.allowPrivateNetwork ?? true,
    dataDir: system.dataDir,
  });
}

/** A signal nobody aborts. */
export const calm = () => new AbortController().signal;

/** Reads all pages, or the first `pages` of them. */
export async function readPages(
  session: ConnectorSession,
  request: Partial<ReadRequest> & { stream: string },
  pages = Number.POSITIVE_INFINITY,
): Promise<ReadPage[]> {
  const read: ReadPage[] = [];
  for await (const page of session.read({ cursor: null, pageSize: 7, signal: calm(), ...request })) {
    read.push(page);
    if (read.length >= pages) break;
  }
  return read;
}

export const idsOf = (pages: ReadPage[]) => pages.flatMap((page) => page.records.map((record) => String(record.id)));

/** Hooks that keep what was entered; `peek` sees the target at that moment. */
export function recordingHooks(place?: ContractPlace) {
  const entries: LedgerEntry[] = [];
  const seen: ContractRecord[][] = [];
  const hooks: WriteHooks = {
    async enter(page) {
      entries.push(...page);
      if (place) seen.push(await place.peek());
    },
  };
  return { entries, seen, hooks };
}

export const toWrite = (records: JsonRecord[], run = "run"): WriteRecord[] =>
  records.map((values) => ({ key: String(values.id), values, idempotencyKey: `${run}:${String(values.id)}` }));

/** The ledger rows of a write, as the product would hand them to undo: newest first. */
export const toUndo = (records: WriteRecord[], entries: LedgerEntry[]): UndoRecord[] =>
  entries
    .map(({ index, operation, identity, before, after, remoteId }) => ({
      key: records[index]!.key,
      operation,
      identity,
      before,
      after,
      remoteId,
      idempotencyKey: `undo:${records[index]!.idempotencyKey}`,
    }))
    .reverse();

/** What the place holds, in the order of ids. */
export async function held(place: ContractPlace): Promise<ContractRecord[]> {
  return (await place.peek()).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The error a promise rejects with; fails the test when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}
