import type { IncomingMessage } from "node:http";
import { parseJson } from "../../connectors/sdk/json.ts";
import { isUseCaseError, UseCaseError } from "../errors.ts";

export const MAX_BODY_BYTES = 10 * 1024 * 1024;

const YAML = /^(application|text)\/(x-|[\w.+-]*\+)?yaml\b/i;
/** Does a `content-type` or `accept` header speak of YAML? */
export const isYaml = (header: string | undefined) => (header ?? "").split(",").some((type) => YAML.test(type.trim()));

/**
 * The body of a request; undefined when it has none. JSON, unless it says that it is YAML and `readYaml` is there.
 * Numbers that a JS number cannot hold are text with all their digits (a patch of a record, an event's data).
 *
 * @throws UseCaseError 413 "body-too-large" beyond 10 MB; 400 "not-json"; what `readYaml` throws
 */
export async function readBody(request: IncomingMessage, readYaml?: (text: string) => unknown): Promise<unknown> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  // leaving the loop early must not destroy the socket: the answer still has to go through it
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const yaml = isYaml(request.headers["content-type"]) ? readYaml : undefined;
  return parse(Buffer.concat(chunks), yaml);
}

function parse(bytes: Buffer, readYaml?: (text: string) => unknown): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value = readYaml ? readYaml(text) : parseJson(text);
    refuseDeep(value);
    return value;
  } catch (cause) {
    if (isUseCaseError(cause)) throw cause;
    const why = cause instanceof SyntaxError ? cause.message : "it is not valid UTF-8";
    throw new UseCaseError(`The body is not JSON: ${why.slice(0, 200)}. Send JSON in UTF-8.`, {
      status: 400,
      code: "not-json",
    });
  }
}

/** No one writes this by hand, and what walks through it would run out of stack. */
const MOST_LEVELS = 1_000;

function refuseDeep(body: unknown): void {
  let level = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS)
      throw new UseCaseError(
        `The body is nested more than ${MOST_LEVELS} levels deep. Send lists and records one inside the other less often.`,
        { status: 400, code: "not-json" },
      );
    // each value once, as YAML may name the same one many times
    level = [
      ...new Set(level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []))),
    ];
  }
}

function tooLarge(): UseCaseError {
  return new UseCaseError(`The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MB. Send less at a time.`, {
    status: 413,
    code: "body-too-large",
  });
}
