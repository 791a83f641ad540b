import { describe, expect, it } from "vitest";
import { generalReason, groupText } from "./dead-letter.ts";

const refused = (id: string, said = "too long") =>
  ({
    kind: "rejected",
    code: "refused",
    message: `Step “w”: CRM refused the record (422 for PUT /contacts/${id}): “${said}”.`,
    general: `Step “w”: CRM refused the record (422 for PUT /contacts/{id}): “${said}”.`,
  }) as const;

describe("groups of failed records", () => {
  it("puts failures together that differ only in the record's id in a path", () => {
    expect(groupText("w", refused("xZ9aQ"))).toBe(groupText("w", refused("bTkWq")));
  });

  it("keeps other reasons, other steps and other fields apart", () => {
    const one = refused("xZ9aQ");
    const others = [
      groupText("w", refused("xZ9aQ", "too short")),
      groupText("v", one),
      groupText("w", { ...one, field: "name" }),
    ];
    for (const other of others) expect(other).not.toBe(groupText("w", one));
  });

  it("names no value of a single record, and keeps the status", () => {
    expect(generalReason(refused("xZ9aQ"))).toBe(
      "Step “w”: CRM refused the record (422 for PUT /contacts/{id}): “too long”.",
    );
    expect(
      generalReason({ message: 'Field “total”: expected a number, found "12,50 EUR" in 3 places (record c17).' }),
    ).toBe("Field “total”: expected a number, found “…” in … places.");
  });
});
