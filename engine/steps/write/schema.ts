import { z } from "zod";
import { fieldPath, reference, stepBase } from "../step-schema.ts";

export const writeSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("write"),
    connection: reference.meta({ title: "Connection", description: "Name of the connection to write to" }),
    sink: reference.meta({ title: "Sink", description: "Place the records are written" }),
    operation: z
      .enum(["insert", "update", "upsert", "delete"])
      .meta({ title: "Operation", description: "What to do with the record in the target" }),
    match: z
      .array(fieldPath)
      .max(50)
      .optional()
      .meta({ title: "Match", description: "Target fields that find the existing record; needed but for insert" }),
  })
  .meta({ title: "Write", description: "End: writes records into a sink" });
export type WriteStep = z.output<typeof writeSchema>;
