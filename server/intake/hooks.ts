/** Which flow an address belongs to, remembered for a while: every event asks. */
import type pg from "pg";
import { durationMs } from "../../engine/flow/duration.ts";
import { LONGEST_ANSWER_MS, type SignatureScheme } from "../../engine/steps/webhook/schema.ts";
import { LIVE_CHANNEL, subscribe } from "../db/listen.ts";
import { stepsOf } from "../flows/read-document.ts";
import { logUnexpected } from "../log.ts";
import { openSecrets } from "./flow-secrets.ts";

/** How a published flow takes its events. */
export type Hook = {
  flowId: string;
  workspaceId: string;
  scheme: SignatureScheme;
  secrets: string[];
  eventId?: string;
  /** how long a sender waits for the result; 0 = it does not */
  answerWithinMs: number;
};

const FRESH_MS = 2_000;
/** An older answer still serves while it is looked up again; changes are told by notification anyway. */
const USABLE_MS = 60_000;
const MOST = 10_000;
const DEFAULT_ANSWER_MS = 10_000;

type Entry = { hook: Hook | null; at: number; refreshing: boolean };

export class Hooks {
  readonly #pool: pg.Pool;
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<Hook | null>>();
  readonly #listening: Promise<(() => void) | undefined>;

  constructor(pool: pg.Pool, url: string) {
    this.#pool = pool;
    this.#listening = subscribe(LIVE_CHANNEL, (payload) => this.#forget(payload), {
      url,
      onGap: () => this.#entries.clear(),
    }).catch(() => undefined);
  }

  /** The flow of this key; null when no published flow starts with a webhook there. */
  find(key: string): Hook | null | Promise<Hook | null> {
    const entry = this.#entries.get(key);
    if (!entry) return this.#ask(key);
    const age = Date.now() - entry.at;
    if (age < FRESH_MS) return entry.hook;
    if (age > USABLE_MS || entry.hook === null) return this.#ask(key);
    if (!entry.refreshing) {
      entry.refreshing = true;
      this.#ask(key).catch(() => {
        entry.refreshing = false;
      });
    }
    return entry.hook;
  }

  async close(): Promise<void> {
    (await this.#listening)?.();
  }

  #ask(key: string): Promise<Hook | null> {
    let asking = this.#asking.get(key);
    if (!asking) {
      asking = findHook(this.#pool, key).then((hook) => {
        if (this.#entries.size >= MOST) this.#entries.clear();
        this.#entries.set(key, { hook, at: Date.now(), refreshing: false });
        return hook;
      });
      this.#asking.set(key, asking);
      const done = () => void this.#asking.delete(key);
      asking.then(done, done);
    }
    return asking;
  }

  /** Published, removed, or its secret changed. */
  #forget(payload: string): void {
    if (!payload.includes('"flow"')) return;
    for (const [key, { hook }] of this.#entries)
      if (hook === null || payload.includes(hook.flowId)) this.#entries.delete(key);
  }
}

type Row = { flowId: string; workspaceId: string; document: unknown; secrets: Uint8Array | null };

async function findHook(pool: pg.Pool, key: string): Promise<Hook | null> {
  const { rows } = await pool.query<Row>({
    name: "intake-hook",
    text: `SELECT f.id AS "flowId", f.workspace_id AS "workspaceId", v.document, s.secrets
      FROM flow f JOIN flow_version v ON v.flow_id = f.id AND v.version = f.live_version
      LEFT JOIN flow_secret s ON s.flow_id = f.id
      WHERE f.hook_key = $1 AND f.deleted_at IS NULL`,
    values: [key],
  });
  const [row] = rows;
  const step = stepsOf(row?.document).find(({ kind }) => kind === "webhook") as WebhookOf | undefined;
  if (!row || !step) return null;
  const { flowId, workspaceId } = row;
  const scheme = step.signature?.scheme ?? "none";
  return {
    flowId,
    workspaceId,
    scheme,
    secrets: scheme === "none" ? [] : secretsOf(row),
    ...(step.eventId === undefined ? {} : { eventId: step.eventId }),
    answerWithinMs: step.wait
      ? Math.min(LONGEST_ANSWER_MS, step.timeout === undefined ? DEFAULT_ANSWER_MS : durationMs(step.timeout))
      : 0,
  };
}

type WebhookOf = { signature?: { scheme: SignatureScheme }; eventId?: string; wait?: boolean; timeout?: string };

/** None when they cannot be decrypted: then nothing is let in, and the log says why. */
function secretsOf({ flowId, workspaceId, secrets }: Row): string[] {
  if (secrets === null) return [];
  try {
    return openSecrets({ flowId, workspaceId }, secrets)
      .filter(({ until }) => until === null || Date.parse(until) > Date.now())
      .map(({ secret }) => secret);
  } catch (error) {
    logUnexpected(error, { flow: flowId });
    return [];
  }
}
