import { z } from "zod";
import { FieldMappingSchema } from "../../mapping/field-mapping.ts";
import { stepBase } from "../step-schema.ts";

export const mapSchema = z
  .strictObject({
    ...stepBase,
    kind: z.literal("map"),
    fields: z
      .array(FieldMappingSchema)
      .max(2_000)
      .meta({ title: "Fields", description: "Only the fields named here pass" }),
  })
  .meta({ title: "Map", description: "Makes each record anew, field by field" });
export type MapStep = z.output<typeof mapSchema>;
