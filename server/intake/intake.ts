/**
 * `POST /hooks/:flowKey`: takes an event, stores it durably and answers 202, in front of everything else. No token: the
 * address is a secret path, and a flow may ask for signatures besides.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { errorBody, send } from "../api/answer.ts";
import { type Database, databaseUrlOf } from "../db/prisma.ts";
import { UseCaseError } from "../errors.ts";
import { asUseCaseError } from "../failure.ts";
import { logUnexpected } from "../log.ts";
import { Answers, type EventAnswer } from "./answers.ts";
import { bodyText } from "./body-text.ts";
import { eventsOf } from "./event-id.ts";
import { type Hook, Hooks } from "./hooks.ts";
import { Inbox, type Stored } from "./inbox.ts";
import { parseBody } from "./parse-body.ts";
import { readBytes } from "./read-request.ts";
import { verifySignature } from "./signature.ts";
import { storedHeaders } from "./stored-headers.ts";

export type Intake = {
  handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
  /** Resolves when what was taken in is stored. */
  stop(): Promise<void>;
};

const PREFIX = "/hooks/";

export function makeIntake({ db, pool }: Pick<Database, "db" | "pool">): Intake {
  let parts: { hooks: Hooks; inbox: Inbox; answers: Answers } | undefined;
  // a process that gets no events needs no listener
  const made = () => {
    const url = databaseUrlOf(db);
    parts ??= { hooks: new Hooks(pool, url), inbox: new Inbox(pool), answers: new Answers(pool, url) };
    return parts;
  };

  async function take(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { hooks, inbox, answers } = made();
    const found = hooks.find(path.slice(PREFIX.length));
    const hook = found instanceof Promise ? await found : found;
    if (!hook) throw nobodyListens();
    if (request.method !== "POST" && request.method !== "PUT") return refuseMethod(request, response);
    const bytes = await readBytes(request);
    prove(hook, request, bytes);
    const contentType = request.headers["content-type"] ?? "";
    const body = bodyText(bytes, request.headers);
    const taken = eventsOf(hook, request.headers, parseBody(contentType, body), hook.answerWithinMs > 0);
    const headers = storedHeaders(request.headers);
    const { flowId, workspaceId } = hook;
    const stored = await Promise.all(
      taken.map((event) =>
        inbox.store({
          ...{ flowId, workspaceId, eventId: event.eventId, headers },
          contentType: contentType.slice(0, 200),
          body: event.body ?? body,
          sizeBytes: event.body === undefined ? bytes.length : Buffer.byteLength(event.body),
        }),
      ),
    );
    const [first] = stored as [Stored, ...Stored[]];
    if (hook.answerWithinMs > 0) {
      const answer = await answers.of(first.id, hook.answerWithinMs);
      if (answer === "stopped") return send(request, response, 202, { id: first.id, paused: true });
      if (answer) return sendAnswer(request, response, first.id, answer);
    }
    accept(response, first, stored);
  }

  return {
    async handle(request, response, path) {
      try {
        await take(request, response, path);
      } catch (error) {
        if (response.headersSent || response.destroyed) return;
        const known = asUseCaseError(error);
        if (known) return send(request, response, known.status, errorBody(known));
        const logId = logUnexpected(error, { path: "/hooks" });
        const message = `The event was not stored. Send it again; an admin finds the reason in the log under ${logId}.`;
        send(request, response, 500, { error: { code: "unexpected", message, details: { logId } } });
      }
    },
    async stop() {
      await parts?.inbox.flushed();
      await Promise.all([parts?.hooks.close(), parts?.answers.close()]);
    },
  };
}

function accept(response: ServerResponse, { id }: Stored, all: Stored[]): void {
  const repeat = all.every((one) => one.repeat) ? `,"repeat":true` : "";
  const ids = all.length === 1 ? "" : `,"ids":${JSON.stringify(all.map((one) => one.id))}`;
  const text = `{"id":"${id}"${ids}${repeat}}`;
  response.writeHead(202, { "content-type": "application/json; charset=utf-8", "content-length": text.length });
  response.end(text);
}

/** The mapped record itself (a list when the event became several); an error as everywhere else; 202 while it is held. */
function sendAnswer(request: IncomingMessage, response: ServerResponse, id: string, answer: EventAnswer): void {
  response.setHeader("plumbline-run", id);
  response.setHeader("plumbline-outcome", answer.outcome);
  if (answer.outcome === "held") send(request, response, 202, { id, held: true });
  else if ("error" in answer) {
    const { code, message, ...details } = answer.error;
    send(request, response, 422, { error: { code, message, details: { ...details, id } } });
  } else send(request, response, 200, answer.records.length === 1 ? answer.records[0] : answer.records);
}

function prove(hook: Hook, { headers }: IncomingMessage, body: Uint8Array): void {
  if (hook.scheme === "none") return;
  if (hook.secrets.length === 0) {
    const message = "This flow only takes signed events, and its secret is not set yet. Set it on the flow's page.";
    throw new UseCaseError(message, { status: 401, code: "signature-not-set" });
  }
  const { secrets, scheme } = hook;
  const verdict = verifySignature(scheme, { headers, body, secrets, nowS: Date.now() / 1000 });
  if (!verdict.ok) throw new UseCaseError(verdict.message, { status: 401, code: verdict.code });
}

function nobodyListens(): UseCaseError {
  const message =
    "There is no flow that listens here. Publish a flow that starts with a webhook; its address is on the flow's page.";
  return new UseCaseError(message, { status: 404, code: "not-found" });
}

function refuseMethod(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("allow", "POST, PUT");
  const message = `${request.method} is not possible here. Send events with POST.`;
  send(request, response, 405, { error: { code: "wrong-method", message, details: { allow: "POST, PUT" } } });
}
