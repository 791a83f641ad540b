import { expect, it } from "vitest";
import { auditHref, auditWords } from "./audit-words.ts";

it("an action is said in words, with the run it was about", () => {
  expect(auditWords("flow.publish", "flow_1")).toBe("Published a flow");
  expect(auditWords("run.undo", "14")).toBe("Undid run 14");
  expect(auditWords("person.join", "u")).toBe("A person joined");
  expect(auditWords("secrets.rotate")).toBe("secrets.rotate");
});

it("what still exists has a page to go to", () => {
  expect(auditHref("run.undo", "14")).toBe("/runs/14");
  expect(auditHref("connection.update", "con 1")).toBe("/connections?connection=con%201");
  expect(auditHref("connection.delete", "con_1")).toBeNull();
  expect(auditHref("workspace.rename", "ws_1")).toBeNull();
});
