import { z } from "zod";
import { duration, fieldPath, reference, stepBase, timeZone } from "../step-schema.ts";

export const readSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("read"),
    connection: reference.meta({ title: "Connection", description: "Name of the connection to read from" }),
    stream: reference.meta({ title: "Stream", description: "Collection of records to read" }),
    sync: z.enum(["full", "incremental", "changes"]).optional().meta({
      title: "Sync",
      description:
        "full: all records each time (default); incremental: only those beyond the watermark; changes: each record as it changes",
    }),
    watermark: fieldPath.optional().meta({
      title: "Watermark",
      description: "Field that grows with every change; with changes: finds them where nothing records them",
    }),
    deletes: z.enum(["ignore", "pass"]).optional().meta({
      title: "Deleted records",
      description: "changes: ignore (default), or pass them on as they were, told apart by the operation field",
    }),
    operationField: z.string().min(1).max(200).optional().meta({
      title: "Operation field",
      description: "changes: a field that gets create, update, delete, or read (it was there before)",
    }),
    existing: z.enum(["read", "skip"]).optional().meta({
      title: "Existing records",
      description: "changes: what is there when the flow starts is read first (default), or skipped",
    }),
    every: duration.optional().meta({
      title: "Every",
      description:
        "Time between runs; without it and cron, runs by hand. With changes: time between looks where nothing records them (5m)",
    }),
    cron: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ title: "Cron", description: "Schedule with five parts, or six with seconds first: 0 6 * * 1-5" }),
    timeZone: timeZone.optional(),
  })
  .meta({ title: "Read", description: "Trigger: reads a stream's records, as they change, on a schedule or by hand" });
export type ReadStep = z.output<typeof readSchema>;
