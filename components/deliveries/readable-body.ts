import type { DeliveryItem } from "../../server/trpc/contract/runs.ts";

/** A body for reading: JSON is indented, anything else stays as it came. */
export function readableBody({
  body,
  contentType,
  shortened,
}: Pick<DeliveryItem, "body" | "contentType" | "shortened">): string {
  if (shortened || !/json|^$/i.test(contentType)) return body;
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
