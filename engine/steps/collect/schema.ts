import { z } from "zod";
import { fieldPath, formula, stepBase } from "../step-schema.ts";

export const TAKES = ["first", "last", "sum", "count", "min", "max", "list"] as const;
export type Take = (typeof TAKES)[number];

const collected = z
  .strictObject({
    to: fieldPath.meta({ title: "To", description: "Field of the group's record" }),
    take: z
      .enum(TAKES)
      .optional()
      .meta({ title: "Take", description: "What of all values: first, last, sum, count, min, max or list" }),
    from: fieldPath.optional().meta({ title: "From", description: "Field of the collected records; count needs none" }),
    formula: formula.optional().meta({
      title: "Formula",
      description: "Over the group's records, which are the list items: SUM(items.qty * items.price)",
    }),
  })
  .superRefine(({ take, from, formula }, context) => {
    const fail = (message: string, path: string) => context.addIssue({ code: "custom", path: [path], message });
    if ((take === undefined) === (formula === undefined))
      fail(`expected either take or formula, found ${take === undefined ? "none of them" : "both"}`, "take");
    else if (take !== undefined && take !== "count" && from === undefined)
      fail(`expected the field to take the ${take} of, found none`, "from");
    else if (formula !== undefined && from !== undefined)
      fail("expected no field beside a formula; name it in the formula as items.…", "from");
  });

export const collectSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("collect"),
    by: z
      .array(fieldPath)
      .max(50)
      .meta({ title: "By", description: "Records with the same values here make one group; none: all make one" }),
    fields: z
      .array(collected)
      .max(500)
      .meta({ title: "Fields", description: "Of each group, beside those it is grouped by" }),
    within: z.enum(["record", "run"]).optional().meta({
      title: "Within",
      description:
        "record (default): the parts of one record, after a split. run: all records of a run; groups leave at its end",
    }),
  })
  .meta({ title: "Collect", description: "Makes one record of each group of records" });
export type CollectStep = z.output<typeof collectSchema>;
export type CollectField = CollectStep["fields"][number];
