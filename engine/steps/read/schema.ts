import { z } from "zod";
import { duration, fieldPath, reference, stepBase, timeZone } from "../step-schema.ts";

export const readSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("read"),
    connection: reference.meta({ title: "Connection", description: "Name of the connection to read from" }),
    stream: reference.meta({ title: "Stream", description: "Collection of records to read" }),
    sync: z.enum(["full", "incremental"]).optional().meta({
      title: "Sync",
      description: "full: all records each time (default); incremental: only those beyond the watermark",
    }),
    watermark: fieldPath.optional().meta({ title: "Watermark", description: "Field that grows with every change" }),
    every: duration
      .optional()
      .meta({ title: "Every", description: "Time between runs; without it and cron, runs by hand" }),
    cron: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ title: "Cron", description: "Schedule with five parts, or six with seconds first: 0 6 * * 1-5" }),
    timeZone: timeZone.optional(),
  })
  .meta({ title: "Read", description: "Trigger: reads a stream's records, on a schedule or by hand" });
export type ReadStep = z.output<typeof readSchema>;
