import { z } from "zod";
import { flowSchema } from "./schema.ts";

/** The flow document as JSON Schema 2020-12, for editors and for other programs (docs/flow-document.schema.json). */
export function publishedJsonSchema(): { [name: string]: unknown } {
  const schema = z.toJSONSchema(flowSchema, { target: "draft-2020-12", io: "input", reused: "inline" });
  return { ...schema, $id: "https://plumbline.invalid/schemas/flow-document-1.json" };
}
