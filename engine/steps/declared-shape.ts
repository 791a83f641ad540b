import type { Field, JsonRecord } from "../../connectors/sdk/types.ts";
import { inferShape } from "../mapping/infer-shape.ts";
import type { Shape } from "./define-step.ts";

/**
 * What events carry. Declared fields or those of a sample are all there is. Learnt ones are only what came so far: other
 * fields may come too, and what is missing then is judged per record.
 */
export function declaredShape(
  { fields, sample }: { fields?: unknown[] | undefined; sample?: unknown },
  learnt: Field[] | undefined,
): Shape {
  if (fields !== undefined && fields.length > 0) return { fields: fields as Field[], open: false };
  if (sample !== undefined) {
    const samples = (Array.isArray(sample) ? sample : [sample]) as JsonRecord[];
    if (samples.length > 0) return { fields: inferShape(samples), open: false };
  }
  return { fields: learnt ?? [], open: true };
}
