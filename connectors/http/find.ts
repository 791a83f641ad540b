/** Looks up single records of a stream by the address its settings name, a few requests at once. */
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { Http } from "../sdk/http.ts";
import { fillPath, isRecord, valueAt, variablesOf } from "../sdk/json.ts";
import { pickFields } from "../sdk/key-index.ts";
import { inLanes } from "../sdk/lanes.ts";
import type { FindRequest, Json, JsonRecord } from "../sdk/types.ts";
import type { HttpStream } from "./settings.ts";

/** @returns null when the stream has no address for these fields */
export async function findRecords(
  http: Http,
  stream: HttpStream,
  { match, keys, fields, signal }: FindRequest,
): Promise<JsonRecord[][] | null> {
  const { lookup } = stream;
  if (!lookup || !sameNames(variablesOf(lookup.path), match)) return null;
  const found: JsonRecord[][] = keys.map(() => []);
  await inLanes([...keys.keys()], String, lookup.concurrency, async (index) => {
    signal.throwIfAborted();
    const path = fillPath(lookup.path, (name) => keys[index]![name]);
    const answer = await http.request("GET", path, { about: "record", ok: [404, 410], signal });
    if (answer.status === 404 || answer.status === 410) return;
    found[index] = recordsOf(stream, answer.body).map((record) => pickFields(record, fields));
  });
  return found;
}

/** One record, or a list of those that fit. */
function recordsOf({ name, lookup }: HttpStream, body: Json): JsonRecord[] {
  const at = lookup?.item === undefined ? body : valueAt(body, lookup.item);
  if (at === undefined || at === null) return [];
  const list = Array.isArray(at) ? at : [at];
  const wrong = list.find((item) => !isRecord(item));
  if (wrong === undefined) return list as JsonRecord[];
  throw new IntegrationError(
    `Stream "${name}": looking up a record, expected a record or a list of records${lookup?.item ? ` at "${lookup.item}"` : ""}, found ${quote(wrong)}. Correct the path of the record under "Look up" in the connection's settings.`,
    { kind: "settings", code: "items-not-found" },
  );
}

const sameNames = (a: string[], b: string[]) => new Set(a).size === b.length && b.every((name) => a.includes(name));
