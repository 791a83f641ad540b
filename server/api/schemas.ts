/** Schemas that several routes answer with. Named ones (`.meta({ id })`) become components of the OpenAPI document. */
import { z } from "zod";
import type { Field, Operation, SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import { FIELD_TYPES } from "../../engine/mapping/types.ts";
import { AnyId } from "../db/storable.ts";
import { RoleSchema } from "../roles.ts";

export const ErrorSchema = z
  .object({
    error: z.object({
      code: z.string().describe("Stable; docs/errors.md has a heading for each."),
      message: z.string().describe("What was expected, what was found, what to do next."),
      details: z.unknown().optional(),
    }),
  })
  .meta({ id: "Error" });

export const Ok = z.object({ ok: z.literal(true) });

/** What records changes in a system for nobody any more, and could not be taken out of it. */
export const LeftRecorders = z
  .array(
    z.object({
      connection: z.string(),
      stream: z.string(),
      message: z.string().describe("Why it could not be taken out."),
      script: z
        .string()
        .describe("What somebody with the rights runs to remove it. By itself it stops after seven days."),
    }),
  )
  .optional();
export const Id = z.object({ id: z.string() });
export const IdParams = z.object({ id: AnyId.min(1) });
export const Instant = z.iso.datetime().describe("UTC instant, ISO 8601.");
/** Any JSON value: settings, records, JSON Schemas. */
export const AnyJson = z.unknown();
export const JsonObject = z.record(z.string(), z.unknown());
export const Role = RoleSchema.describe("viewer < builder < operator < admin < owner");

/** A field as the lists of streams and sinks show it: whether it is required is always said (DESIGN §8). */
type ListedField = Omit<Field, "fields" | "required"> & { required: boolean; fields?: ListedField[] };
type Listed<T extends { fields: Field[] }> = Omit<T, "fields"> & { fields: ListedField[] };

const FieldSchema: z.ZodType<ListedField, ListedField> = z
  .object({
    name: z.string(),
    type: z.enum(FIELD_TYPES),
    title: z.string().optional(),
    required: z.boolean().describe("A record without it is refused (sink), or every record has it (stream)."),
    nullable: z.boolean().optional(),
    maxLength: z.number().optional().describe("Characters."),
    precision: z.number().optional(),
    scale: z.number().optional(),
    key: z.boolean().optional(),
    unique: z.boolean().optional(),
    default: z.boolean().optional(),
    readOnly: z.boolean().optional().describe("The target fills it itself; it cannot be written."),
    options: z.array(z.string()).optional(),
    get fields() {
      return z.array(FieldSchema).optional();
    },
    sample: z.json().optional(),
    emptyShare: z.number().optional(),
  } satisfies Record<keyof Field, unknown>)
  .meta({ id: "Field" });

/**
 * Says of each field, nested ones too, whether it is required: a sink refuses a record without it; a stream's field is
 * never empty.
 */
export function listed<T extends { fields: Field[] }>(place: T, as: "stream" | "sink"): Listed<T> {
  const said = (field: Field): ListedField => {
    const { fields, required = as === "stream" && field.nullable === false, ...rest } = field;
    return { ...rest, required, ...(fields && { fields: fields.map(said) }) };
  };
  return { ...place, fields: place.fields.map(said) };
}

/** A failure as plain data: docs/errors.md has a heading for each code. */
export const FailureSchema = z
  .object({
    kind: z.enum(["transient", "rejected", "credentials", "settings"]),
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
    retryAfterMs: z.number().optional(),
  })
  .meta({ id: "Failure" });

export const WatchSchema = z
  .object({
    state: z.enum(["on", "off", "broken", "refused", "impossible"]),
    note: z.string().optional().describe("A sentence; there unless it is on."),
  })
  .meta({ id: "Watch" });

export const StreamSchema: z.ZodType<Listed<StreamInfo>, Listed<StreamInfo>> = z
  .object({
    name: z.string(),
    title: z.string(),
    fields: z.array(FieldSchema),
    key: z.array(z.string()),
    watermarks: z.array(z.string()),
    estimate: z.number().optional(),
    findBy: z
      .union([z.literal("any"), z.array(z.array(z.string()))])
      .optional()
      .describe("Fields by which single records can be looked up; absent: it can only be read."),
    watch: WatchSchema.optional().describe("Whether its changes can be followed as they happen; absent: not at all."),
    problem: FailureSchema.optional().describe("Why its fields could not be learnt just now."),
  } satisfies Record<keyof StreamInfo, unknown>)
  .meta({ id: "Stream" });

const operations = ["insert", "update", "upsert", "delete"] as const satisfies Operation[];

export const SinkSchema: z.ZodType<Listed<SinkInfo>, Listed<SinkInfo>> = z
  .object({
    name: z.string(),
    title: z.string(),
    names: z
      .string()
      .optional()
      .describe("Stands for places made when they are first written: a regular expression their names match in full."),
    fields: z.array(FieldSchema),
    open: z.boolean(),
    jsonNumbers: z.boolean().optional().describe("Decimals in fields it does not know go out as JSON numbers."),
    matchKeys: z.array(z.array(z.string())),
    operations: z.array(z.enum(operations)),
    batchSize: z.number(),
    readBack: z.boolean(),
    undo: z.enum(["full", "lossy", "none"]),
    undoNote: z.string().optional(),
    idempotencyKeys: z.boolean(),
    uniques: z.array(z.array(z.string()).nullable()).optional(),
    refers: z.array(z.string()).optional(),
    transactional: z.boolean().optional(),
    effect: z.enum(["once", "at-least-once"]),
  } satisfies Record<keyof SinkInfo, unknown>)
  .meta({ id: "Sink" });
