import { z } from "zod";
import { fieldPath, reference, stepBase } from "../step-schema.ts";

export const lookupSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("lookup"),
    connection: reference.meta({ title: "Connection", description: "Name of the connection to look in" }),
    stream: reference.meta({ title: "Stream", description: "Collection of records to look in" }),
    match: z.record(fieldPath, fieldPath).meta({
      title: "Match",
      description: "Field there ← field of the record: { id: customer.number }",
    }),
    take: z
      .array(
        z
          .strictObject({ to: fieldPath.meta({ title: "To" }), from: fieldPath.meta({ title: "From" }) })
          .meta({ title: "Field" }),
      )
      .min(1)
      .max(500)
      .optional()
      .meta({ title: "Take", description: "Fields of the record found, and what they are called here" }),
    as: fieldPath.optional().meta({ title: "As", description: "Takes the whole record found, under this name" }),
    notFound: z.enum(["dead", "null", "port"]).optional().meta({
      title: "Not found",
      description: "dead letter (default), passes with empty fields, or leaves by port “not-found”",
    }),
    multiple: z
      .enum(["dead", "first"])
      .optional()
      .meta({ title: "Several found", description: "dead letter (default), or the first of them is taken" }),
  })
  .meta({ title: "Look up", description: "Adds fields of a record found in another system" });
export type LookupStep = z.output<typeof lookupSchema>;
