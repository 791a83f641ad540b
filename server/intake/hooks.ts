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

/** Asked of the database: what was told since, and whether we may have missed something. */
type Question = { answer: Promise<Hook | null>; told: string[]; late: boolean };
type Entry = { hook: Hook | null; at: number; refreshing: boolean };

export class Hooks {
  readonly #pool: pg.Pool;
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Question>();
  readonly #listening: Promise<(() => void) | undefined>;

  constructor(pool: pg.Pool, url: string) {
    this.#pool = pool;
    const listening = subscribe(LIVE_CHANNEL, (payload) => this.#forget(payload), {
      url,
      onGap: () => this.#forgetAll(),
    });
    // what changed before we listened was not told
    listening.then(() => this.#forgetAll()).catch(() => {});
    this.#listening = listening.catch(() => undefined);
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
      const asked = () => {
        entry.refreshing = false;
      };
      this.#ask(key).then(asked, asked);
    }
    return entry.hook;
  }

  async close(): Promise<void> {
    (await this.#listening)?.();
  }

  #ask(key: string): Promise<Hook | null> {
    const under = this.#asking.get(key);
    if (under && !under.late && under.told.length === 0) return under.answer;
    const question: Question = { answer: findHook(this.#pool, key), told: [], late: false };
    this.#asking.set(key, question);
    const done = () => {
      if (this.#asking.get(key) === question) this.#asking.delete(key);
    };
    question.answer = question.answer.then((hook) => {
      // a change told meanwhile may not be in the answer: it serves who asked before, and is not remembered
      if (!question.late && !question.told.some((payload) => isAbout(payload, hook))) {
        if (this.#entries.size >= MOST) this.#entries.clear();
        this.#entries.set(key, { hook, at: Date.now(), refreshing: false });
      }
      return hook;
    });
    question.answer.then(done, done);
    return question.answer;
  }

  #forgetAll(): void {
    this.#entries.clear();
    for (const question of this.#asking.values()) question.late = true;
  }

  /** Published, removed, or its secret changed. */
  #forget(payload: string): void {
    if (!payload.includes('"flow"')) return;
    for (const [key, { hook }] of this.#entries) if (isAbout(payload, hook)) this.#entries.delete(key);
    for (const question of this.#asking.values()) question.told.push(payload);
  }
}

/** Where no flow listened, any change may be the one that makes one listen. */
const isAbout = (payload: string, hook: Hook | null) => hook === null || payload.includes(hook.flowId);

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
