import { expect, it } from "vitest";
import { flowNames, isInRecord, readReason } from "./reason.ts";

it("the place is taken off the reason, which becomes a sentence", () => {
  expect(readReason("Step “Check orders” (check), field “email”: expected an e-mail address, found nothing.")).toEqual({
    text: "Expected an e-mail address, found nothing.",
    step: "Check orders",
  });
  expect(readReason("Step “Books”: the table refuses it.")).toEqual({ text: "The table refuses it.", step: "Books" });
});

it("a reason without a place stays as it is", () => {
  expect(readReason("Books refused the stored credentials.")).toEqual({
    text: "Books refused the stored credentials.",
    step: null,
  });
});

it("a field can be corrected when the record holds it, or what it lies in", () => {
  const record = { email: null, customer: { name: "Ana" } };
  expect(isInRecord(record, "email")).toBe(true);
  expect(isInRecord(record, "customer.name")).toBe(true);
  expect(isInRecord(record, "issued_on")).toBe(false);
  expect(isInRecord(record, undefined)).toBe(false);
});

it("a reason that many flows share names the first few", () => {
  const flows = (many: number) => Array.from({ length: many }, (_, index) => ({ name: `F${index + 1}` }));
  expect(flowNames(flows(1))).toBe("“F1”");
  expect(flowNames(flows(4))).toBe("“F1”, “F2”, “F3”, “F4”");
  expect(flowNames(flows(295))).toBe("“F1”, “F2”, “F3” and 292 more flows");
});
