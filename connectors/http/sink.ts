/** A sink as the settings describe it, as the operations the page engine of per-record sinks needs. */
import { IntegrationError, quote } from "../sdk/errors.ts";
import { fieldsFromJsonSchema, valueProblem } from "../sdk/fields.ts";
import type { Http } from "../sdk/http.ts";
import { fillBody, fillPath, isRecord, numberFromText, sameValue, valueAt, variablesOf } from "../sdk/json.ts";
import type { RecordSink, Saved, SendContext, Stored } from "../sdk/plan-write.ts";
import type { Field, Json, JsonRecord, Operation, SinkInfo } from "../sdk/types.ts";
import type { HttpAction, HttpSink } from "./settings.ts";

export const sinkFields = (sink: HttpSink): Field[] => (sink.schema ? fieldsFromJsonSchema(sink.schema, sink.key) : []);

export function sinkInfo(sink: HttpSink): SinkInfo {
  const fields = sinkFields(sink);
  const operations: Operation[] = ["insert"];
  if (sink.update && sink.key.length > 0) operations.push("update", "upsert");
  if (sink.delete && sink.key.length > 0) operations.push("delete");
  return {
    name: sink.name,
    title: sink.title ?? sink.name,
    fields,
    open: fields.length === 0 || sink.schema?.additionalProperties === true,
    jsonNumbers: true,
    matchKeys: sink.key.length > 0 ? [sink.key] : [],
    operations,
    batchSize: sink.batchSize,
    readBack: sink.read !== undefined,
    ...undoOf(sink),
    idempotencyKeys: sink.idempotencyHeader !== undefined,
    effect:
      sink.idempotencyHeader !== undefined || (sink.read !== undefined && sink.key.length > 0)
        ? "once"
        : "at-least-once",
  };
}

function undoOf(sink: HttpSink): Pick<SinkInfo, "undo" | "undoNote"> {
  const { read, update, delete: remove } = sink;
  if (!read && !remove)
    return {
      undo: "none",
      undoNote: "No read-back and no delete are described, so nothing can be compared or taken away.",
    };
  if (!read)
    return {
      undo: "lossy",
      undoNote:
        "What was created can be deleted, but without a read-back changes made since are not noticed and old values are not known.",
    };
  if (!update && !remove)
    return { undo: "none", undoNote: "Neither an update nor a delete is described, so nothing can be put back." };
  if (!remove)
    return { undo: "lossy", undoNote: "Old values can be put back, but created records stay: no delete is described." };
  if (!update) return { undo: "full", undoNote: "Created records are deleted again." };
  return { undo: "full", undoNote: "A deleted record is created again; the system may give it a new id." };
}

export function recordSink(http: Http, sink: HttpSink): RecordSink {
  const fields = sinkFields(sink);
  const closed = fields.length > 0 && sink.schema?.additionalProperties !== true;
  const paths = [sink.read?.path, sink.update?.path, sink.delete?.path].filter((path) => path !== undefined);
  const identifying = [...new Set([...sink.key, ...paths.flatMap(variablesOf)])];

  const finder =
    (...sources: (JsonRecord | null | undefined)[]) =>
    (name: string): Json | undefined =>
      sources.map((source) => source?.[name]).find((value) => value !== undefined && value !== null);

  const bodyOf = (action: HttpAction, values: JsonRecord): Json => {
    const typed = typedNumbers(fields, values);
    if (action.body !== undefined) return fillBody(action.body, finder(typed));
    return sink.wrap === undefined ? typed : { [sink.wrap]: typed };
  };

  const savedFrom = (action: Pick<HttpAction, "item">, body: Json): Saved => {
    const found =
      action.item !== undefined
        ? valueAt(body, action.item)
        : sink.wrap !== undefined && isRecord(body) && isRecord(body[sink.wrap])
          ? body[sink.wrap]
          : body;
    const record = isRecord(found) ? found : undefined;
    const id = sink.id !== undefined ? (valueAt(body, sink.id) ?? valueAt(record, sink.id)) : record?.id;
    const saved: Saved = record ? { record } : {};
    if (typeof id === "string" || typeof id === "number") saved.remoteId = String(id);
    return saved;
  };

  const send = async (
    action: HttpAction,
    method: string,
    path: string,
    body: Json | undefined,
    { idempotencyKey, signal, halt }: SendContext,
  ) => {
    const headers: Record<string, string> =
      sink.idempotencyHeader === undefined ? {} : { [sink.idempotencyHeader]: idempotencyKey };
    const answer = await http.request(action.method ?? method, path, {
      body,
      headers,
      pathTemplate: action.path,
      about: variablesOf(action.path).length > 0 ? "record" : "list", // 404 at a fixed path is about the path
      ok: action.ok,
      signal,
      halt,
    });
    return savedFrom(action, answer.body);
  };

  const { read, update, delete: remove } = sink;
  return {
    name: sink.name,
    key: sink.key,
    concurrency: sink.concurrency,
    idempotencyKeys: sink.idempotencyHeader !== undefined,
    identify(values, stored) {
      const find = finder(
        values,
        stored?.record,
        stored?.remoteId === undefined ? undefined : { remoteId: stored.remoteId },
      );
      return Object.fromEntries(identifying.flatMap((name) => (find(name) === undefined ? [] : [[name, find(name)!]])));
    },
    problem(values, operation) {
      const unknown = closed
        ? Object.keys(values).find((name) => !fields.some((field) => field.name === name))
        : undefined;
      if (unknown === undefined) return valueProblem(fields, values, operation);
      const message = `Sink "${sink.name}" has no field "${unknown}"; its schema names ${fields
        .slice(0, 12)
        .map((field) => quote(field.name))
        .join(", ")}. Map to one of these.`;
      return new IntegrationError(message, { kind: "rejected", code: "unknown-field", field: unknown }).info;
    },
    ...(read && {
      async read(identity: JsonRecord, signal: AbortSignal) {
        const path = fillPath(read.path, finder(identity));
        const answer = await http.request("GET", path, {
          about: "record",
          pathTemplate: read.path,
          ok: [404, 410],
          signal,
        });
        if (answer.status === 404 || answer.status === 410) return null;
        return storedFrom(sink, identity, answer.body, savedFrom);
      },
    }),
    create: (values, context) =>
      send(sink.create, "POST", fillPath(sink.create.path, finder(values)), bodyOf(sink.create, values), context),
    ...(update && {
      update: (
        { identity, current, remoteId }: Parameters<NonNullable<RecordSink["update"]>>[0],
        changed: JsonRecord,
        values: JsonRecord,
        context: SendContext,
      ) => {
        const path = fillPath(
          update.path,
          finder(identity, values, current, remoteId === undefined ? undefined : { remoteId }),
        );
        const replaces = (update.method ?? "PATCH") !== "PATCH";
        const whole = (update.merge ?? replaces) ? { ...writable(fields, current), ...values } : values;
        return send(
          update,
          "PATCH",
          path,
          bodyOf(update, replaces || update.body !== undefined ? whole : changed),
          context,
        );
      },
    }),
    ...(remove && {
      async remove(
        { identity, current, remoteId }: Parameters<NonNullable<RecordSink["remove"]>>[0],
        context: SendContext,
      ) {
        const path = fillPath(
          remove.path,
          finder(identity, current, remoteId === undefined ? undefined : { remoteId }),
        );
        await send(
          remove,
          "DELETE",
          path,
          remove.body === undefined ? undefined : bodyOf(remove, { ...current, ...identity }),
          context,
        );
      },
    }),
  };
}

/** Only what the schema lets us write; without a schema, all of it. */
const writable = (fields: Field[], current: JsonRecord | null): JsonRecord =>
  current === null || fields.length === 0
    ? { ...current }
    : Object.fromEntries(Object.entries(current).filter(([name]) => fields.some((field) => field.name === name)));

/**
 * The one record a read-back found. A search whose parameter the server ignores gives the first record of all: that
 * must never be taken for the record asked for.
 */
function storedFrom(
  sink: HttpSink,
  identity: JsonRecord,
  body: Json,
  savedFrom: (action: { item?: string }, body: Json) => Saved,
): Stored | null {
  const item = sink.read?.item;
  const list =
    item !== undefined && /(^|\.)0$/.test(item)
      ? valueAt(body, item.replace(/\.?0$/, ""))
      : item === undefined
        ? body
        : undefined;
  if (Array.isArray(list) && list.length === 0) return null;
  if (Array.isArray(list) && list.length > 1)
    throw new IntegrationError(
      `Sink "${sink.name}": the read-back found ${list.length} records with ${JSON.stringify(identity)}, expected one. Read back by a key that is unique.`,
      {
        kind: "rejected",
        code: "ambiguous",
      },
    );
  const { record, remoteId } = savedFrom(Array.isArray(body) && item === undefined ? { item: "0" } : { item }, body);
  if (!record) {
    if (body === null || item !== undefined) return null;
    throw new IntegrationError(
      `Sink "${sink.name}": the read-back answered ${quote(body)}, expected a record. Check its path in the connection's settings.`,
      { kind: "settings", code: "read-back-shape" },
    );
  }
  const other = sink.key.find(
    (name) => record[name] !== undefined && identity[name] !== undefined && !sameValue(identity[name], record[name]),
  );
  if (other !== undefined)
    throw new IntegrationError(
      `Sink "${sink.name}": the read-back was asked for "${other}" ${quote(identity[other])} and answered the record with ${quote(record[other])}. The server seems to ignore the parameter; check the read-back's path in the connection's settings.`,
      { kind: "settings", code: "read-back-other-record" },
    );
  return remoteId === undefined ? { record } : { record, remoteId };
}

/** Decimals travel as text to keep their digits; where the schema says number, they are sent as JSON numbers. */
function typedNumbers(fields: Field[], values: JsonRecord): JsonRecord {
  if (fields.length === 0) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]): [string, Json] => {
      const field = fields.find((one) => one.name === name);
      if (!field) return [name, value];
      if (typeof value === "string" && (field.type === "decimal" || field.type === "integer"))
        return [name, numberFromText(value)];
      if (field.fields && isRecord(value)) return [name, typedNumbers(field.fields, value)];
      if (field.fields && Array.isArray(value))
        return [name, value.map((part) => (isRecord(part) ? typedNumbers(field.fields!, part) : part))];
      return [name, value];
    }),
  );
}
