import { CircleHelp } from "lucide-react";
import { expect, test } from "vitest";
import { stepDefinitions } from "../../engine/steps/registry.ts";
import { stepLook } from "./step-look.ts";

test.each(stepDefinitions.map(({ kind, icon }) => [kind, icon]))("a %s step shows its icon “%s”", (kind) => {
  expect(stepLook(kind).icon).not.toBe(CircleHelp);
});

test("an unknown kind is marked as such", () => {
  expect(stepLook("teleport").icon).toBe(CircleHelp);
});
