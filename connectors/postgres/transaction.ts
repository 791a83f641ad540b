/** One target transaction: timeouts and abort, bisecting what the server refuses, and the ledger before the commit. */
import type pg from "pg";
import { IntegrationError } from "../sdk/errors.ts";
import type { Json } from "../sdk/types.ts";
import type { LedgerEntry, WriteHooks } from "../sdk/writing.ts";
import { type Clients, rawTypes } from "./client.ts";
import { callFailure, serverTrouble, shapeChanged } from "./errors.ts";
import { UnknownField } from "./page.ts";

export type Row = (string | null)[];
export type Transaction = {
  /** Runs one statement; rows are lists of the server's texts. */
  query(text: string, values: unknown[], name?: string): Promise<Row[]>;
  /** Undoes what the current piece of `bisect` did so far. */
  restart(): Promise<void>;
  /** Runs `work` on all rows; when the server refuses, on halves, so that only the bad ones reach `refused`. */
  bisect(rows: number[], work: (rows: number[]) => Promise<void>, refusals: Refusals): Promise<void>;
};

/** What becomes of rows the server refuses. */
export type Refusals = {
  refused(row: number, cause: unknown): void;
  /** may what was written since have given way to a row that was refused for this? */
  gaveWay(cause: unknown): boolean;
  /** rows among those refused, by cause, that can be written if they are written together, and in another way */
  together(refused: ReadonlyMap<number, unknown>): Promise<{ rows: number[]; work(): Promise<void> }[]>;
};

/** The table is not as the catalogue in memory says; look again and repeat the call. */
export class ShapeChanged {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** Rows as lists of texts. */
export async function rawQuery(client: pg.ClientBase, text: string, values: unknown[], name?: string): Promise<Row[]> {
  const result = await client.query<Row>({ name, text, values, rowMode: "array", types: rawTypes });
  return result.rows;
}

/**
 * Runs `work` in one transaction and commits it when it has entries, which `hooks` stores first.
 *
 * @param indexed the index in which sizes rows are found: forbids plans that read the whole table for a page
 * @param single the work is one piece of one row: what the server refuses of it is all there is, so no savepoints are needed
 * @param defers something in the database may be checked as late as at the end of a transaction
 * @throws IntegrationError when nothing landed; with code "outcome-unknown" when the commit's answer was lost
 */
export async function inTransaction(
  clients: Clients,
  what: string,
  {
    signal,
    indexed,
    single = false,
    defers = true,
    hooks,
  }: { signal: AbortSignal; indexed: boolean; single?: boolean; defers?: boolean; hooks: WriteHooks },
  work: (transaction: Transaction) => Promise<LedgerEntry[]>,
): Promise<void> {
  signal.throwIfAborted();
  await clients.use(async (client) => {
    let committing = false;
    let entering = false;
    const stop = () => {
      if (!committing) void clients.cancel(client);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      // Plans are kept for the life of the session, and a table that was empty when planned may hold millions later.
      const plan = indexed
        ? "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL plan_cache_mode = force_generic_plan;"
        : "";
      const transaction = await begun(client, `BEGIN; ${plan}`, { single, defers });
      const entries = await work(transaction);
      signal.throwIfAborted();
      if (entries.length === 0) {
        await client.query("ROLLBACK");
        return;
      }
      const receipt = await receiptOf(client, transaction.id());
      entering = true;
      await hooks.enter(entries, receipt);
      entering = false;
      signal.throwIfAborted();
      committing = true;
      await client.query("COMMIT");
    } catch (error) {
      if (entering) throw error; // the ledger's own failure, not this server's
      if (signal.aborted && !committing) throw signal.reason;
      throw committing ? commitFailure(clients, what, error) : wholeFailure(clients, what, error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  });
}

function wholeFailure(clients: Clients, what: string, error: unknown): unknown {
  if (error instanceof ShapeChanged || error instanceof UnknownField || error instanceof IntegrationError) return error;
  if (shapeChanged(error)) return new ShapeChanged(error);
  return callFailure(clients.access, error, what) ?? serverTrouble(clients.access, error, what);
}

function commitFailure(clients: Clients, what: string, error: unknown): unknown {
  const known = (error as { severity?: string; code?: string }).severity !== undefined;
  // A server that says why has rolled back; one that is shutting down, or a socket that broke, may have committed.
  if (known && !/^57P/.test((error as { code: string }).code)) return wholeFailure(clients, what, error);
  return new IntegrationError(
    `“${clients.access.name}”, ${what}: the connection broke while the changes were being committed, so it is not known yet whether they landed. It is looked up before anything is sent again.`,
    { kind: "transient", code: "outcome-unknown", cause: error },
  );
}

/**
 * Deferred constraints would speak at COMMIT, when it is too late to tell which record is to blame. The id of the
 * transaction, which its receipt needs, comes along on the same way.
 */
const speakNow = (next: string) => `SET CONSTRAINTS ALL IMMEDIATE; ${next}SELECT pg_catalog.txid_current()::text AS id`;

/**
 * Begins a transaction. Its pieces are kept apart by savepoints, and constraints speak at the end of each; of a single piece
 * where none is deferred they speak from the start, which saves a way to the server.
 */
async function begun(
  client: pg.ClientBase,
  begin: string,
  { single, defers }: { single: boolean; defers: boolean },
): Promise<Transaction & { id(): string | undefined }> {
  let id: string | undefined;
  const tell = async (text: string) => {
    // several statements in one text are answered by a list, which the driver's types do not know
    const answers = (await client.query(text)) as unknown as pg.QueryResult<{ id: string }>[];
    id = answers.at(-1)?.rows[0]?.id;
  };
  const whole = defers ? begin : `${begin} ${speakNow("")}`;
  const end = !single ? speakNow("RELEASE piece; SAVEPOINT piece; ") : defers ? speakNow("") : undefined;
  const back = single ? `ROLLBACK; ${whole}` : "ROLLBACK TO piece";
  await tell(single ? whole : `${begin} SAVEPOINT piece`);
  const query: Transaction["query"] = (text, values, name) => rawQuery(client, text, values, name);
  const restart: Transaction["restart"] = () => (single ? tell(back) : client.query(back).then(() => undefined));
  const halve = async (
    rows: number[],
    work: (rows: number[]) => Promise<void>,
    refused: Map<number, unknown>,
  ): Promise<void> => {
    try {
      await work(rows);
      if (end) await tell(end);
      return;
    } catch (error) {
      assertRefusal(error);
      await restart();
      if (rows.length === 1) {
        refused.set(rows[0]!, error);
        return;
      }
    }
    const half = rows.length >> 1;
    await halve(rows.slice(0, half), work, refused);
    await halve(rows.slice(half), work, refused);
  };
  /** @returns false when the server refuses it, and nothing of it is left */
  const atOnce = async (work: () => Promise<void>): Promise<boolean> => {
    const refused = new Map<number, unknown>();
    await halve([0], work, refused);
    return refused.size === 0;
  };
  const bisect: Transaction["bisect"] = async (rows, work, refusals) => {
    let refused = new Map<number, unknown>();
    await halve(rows, work, refused);
    // A record has to wait until that one is there which it refers to, or which holds the value it is to get.
    let written = rows.length - refused.size;
    while (refused.size > 0) {
      const early = written > 0 ? [...refused].filter(([, cause]) => mayComeLater(cause, refusals)) : [];
      written = 0;
      if (early.length > 0) {
        const still = new Map<number, unknown>();
        const again = early.map(([row]) => row);
        await halve(again, work, still);
        written = early.length - still.size;
        for (const row of again) refused.delete(row);
        refused = new Map([...refused, ...still]);
        if (written > 0) continue;
      }
      for (const some of await refusals.together(refused)) {
        if (!(await atOnce(some.work))) continue;
        written += some.rows.length;
        for (const row of some.rows) refused.delete(row);
      }
      if (written === 0) break;
    }
    for (const [row, cause] of refused) refusals.refused(row, cause);
  };
  return { query, bisect, restart, id: () => id };
}

function mayComeLater(cause: unknown, { gaveWay }: Refusals): boolean {
  const { code } = cause as { code?: string };
  return code === "23503" || ((code === "23505" || code === "23P01") && gaveWay(cause));
}

/** Passes on what halving the page cannot help. */
function assertRefusal(error: unknown): void {
  if (shapeChanged(error)) throw new ShapeChanged(error);
  const { code, severity } = error as { code?: string; severity?: string };
  if (severity === undefined || code === undefined) throw error;
  if (callFailure({ name: "", host: "", port: 0, user: "", database: "" }, error, "") !== undefined) throw error;
}

const epochs = new WeakMap<pg.ClientBase, string>();

/**
 * The transaction's id, and when the server last recovered from a crash: an id that never reached the disk is given out
 * again after one, so a commit of the same id in another epoch proves nothing.
 */
async function receiptOf(client: pg.ClientBase, id: string | undefined): Promise<Json> {
  const epoch = epochs.get(client) ?? (await epochOf(client));
  epochs.set(client, epoch);
  const xid = id ?? (await rawQuery(client, "SELECT pg_catalog.txid_current()::text", []))[0]![0]!;
  return { xid, epoch };
}

async function epochOf(client: pg.ClientBase): Promise<string> {
  const [row] = await rawQuery(
    client,
    "SELECT COALESCE(extract(epoch FROM stats_reset)::text, '') FROM pg_catalog.pg_stat_bgwriter",
    [],
  );
  return row?.[0] ?? "";
}

/** So long a transaction that is still open may take to end by itself, and then until it is ended. */
const ENDS_WITHIN_MS = 2_000;
const ENDED_WITHIN_MS = 5_000;

/**
 * Did the transaction with this receipt commit? One that is still open belongs to a worker that stands still or whose end
 * the server has not noticed; it is ended, or it could commit after what it wrote was written again.
 *
 * @throws IntegrationError transient: it is still open
 */
export async function settleReceipt(
  clients: Clients,
  receipt: Json,
  signal: AbortSignal,
): Promise<"landed" | "absent" | "unknown"> {
  if (receipt === null || typeof receipt !== "object" || Array.isArray(receipt) || typeof receipt.xid !== "string")
    return "unknown";
  const { xid } = receipt;
  for (let waited = 0; ; waited += 100) {
    signal.throwIfAborted();
    const [state, epoch] = await clients.use(async (client) => {
      try {
        if (waited === ENDS_WITHIN_MS) await rawQuery(client, endTransaction, [xid]);
        const [row] = await rawQuery(client, "SELECT pg_catalog.txid_status($1::bigint)", [xid]);
        return [row?.[0] ?? null, await epochOf(client)];
      } catch (error) {
        // “transaction ID … is in the future”: it never reached the disk, so it never committed.
        if ((error as { code?: string }).code === "22023") return ["aborted", ""];
        throw callFailure(clients.access, error, "looking up a transaction") ?? error;
      }
    });
    if (state === "committed") return epoch === receipt.epoch ? "landed" : "unknown";
    if (state === "aborted") return "absent";
    if (state === null) return "unknown";
    if (waited >= ENDED_WITHIN_MS)
      throw new IntegrationError(
        `“${clients.access.name}”: a transaction of an earlier attempt is still open and could not be ended (transaction ${xid}). It is looked up again later; its administrator can end it with pg_terminate_backend.`,
        { kind: "transient", code: "transaction-open" },
      );
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** A session of the same user is all one may end; the id of a transaction is its last 32 bits there. */
const endTransaction = `SELECT pg_catalog.pg_terminate_backend(pid)::text FROM pg_catalog.pg_stat_activity
  WHERE datname = current_database() AND usename = current_user AND pid <> pg_catalog.pg_backend_pid()
    AND backend_xid::text = ($1::bigint & 4294967295)::text`;
