import { z } from "zod";
import { fieldPath, stepBase } from "../step-schema.ts";

export const splitSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("split"),
    field: z.string().max(500).meta({ title: "List", description: "Field that holds the list: order.lines" }),
    as: fieldPath.optional().meta({
      title: "As",
      description: "Puts each item under this name; absent: the item's fields are laid over the record's",
    }),
    keep: z
      .array(fieldPath)
      .max(500)
      .optional()
      .meta({ title: "Keep", description: "Fields of the record that each part keeps; absent: all but the list" }),
    number: fieldPath
      .optional()
      .meta({ title: "Number", description: "Field that gets the item's place in the list, from 1" }),
    emptyList: z.enum(["filter", "pass", "dead"]).optional().meta({
      title: "Empty list",
      description:
        "A record whose list is empty: filtered (default), passes as one part without an item, or is a dead letter",
    }),
  })
  .meta({ title: "Split", description: "Makes one record of each item of a list" });
export type SplitStep = z.output<typeof splitSchema>;
