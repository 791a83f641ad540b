import { expect, it } from "vitest";
import { auditDetail, auditHref, auditWords } from "./audit-words.ts";

it("an action is said in words, with what it was about", () => {
  expect(auditWords({ action: "flow.publish", subject: "flow_1", detail: { version: 3 } })).toBe(
    "Published version 3 of a flow",
  );
  expect(auditWords({ action: "flow.pause", subject: "flow_1", subjectName: "Orders" })).toBe("Stopped “Orders”");
  expect(auditWords({ action: "run.undo", subject: "14" })).toBe("Undid run 14");
  expect(auditWords({ action: "run.cancel", subject: "14", detail: { flow: "flow_1" } })).toBe("Cancelled run 14");
  expect(auditWords({ action: "run.cancel", subject: "14", detail: { waits: 2 } })).toBe(
    "Cancelled the wait of 2 records of run 14",
  );
  expect(auditWords({ action: "flow.undo", detail: { since: "2026-11-28T08:00:00.000Z", run: "15" } })).toBe(
    "Undid all runs of a flow since 2026-11-28T08:00:00.000Z: run 15",
  );
  expect(auditWords({ action: "run.start", subject: "flow_1", detail: { run: "8", mode: "dry" } })).toBe(
    "Tried a flow: dry run 8",
  );
  expect(auditWords({ action: "connection.create", detail: { name: "Shop" } })).toBe("Created the connection “Shop”");
  expect(auditWords({ action: "connection.create" })).toBe("Created a connection");
  expect(auditWords({ action: "person.join", detail: { email: "ana@example.com" } })).toBe("ana@example.com joined");
  expect(auditWords({ action: "person.password", detail: { others: "signed out" } })).toBe(
    "Changed their own password",
  );
  expect(auditWords({ action: "secrets.rotate" })).toBe("secrets.rotate");
});

it("what else is known is one line", () => {
  const publish = {
    action: "flow.publish",
    detail: {
      note: "EURO is EUR",
      before: null,
      settings: { host: "h", ssl: { mode: "off" }, roles: ["a", "b"] },
      version: 3,
    },
  };
  expect(auditDetail(publish)).toBe("note: EURO is EUR · settings: host h, ssl (mode off), roles a, b");
  expect(auditDetail({ action: "connection.create", detail: { name: "Price lists" } })).toBe("");
  expect(auditDetail({ action: "flow.pause", detail: null })).toBe("");
});

it("a change of a connection says what changed, and nothing where nothing did", () => {
  const change = {
    action: "connection.update",
    detail: {
      name: "Orchard",
      settings: {
        timeoutMs: { before: 30_000, after: 500 },
        "headers.X-Key": { before: "•••", after: "•••" },
        "headers.X-Trace": { after: "•••" },
        checkPath: { before: "/me" },
        "…": "and 3 more",
      },
      credentials: ["password", "token"],
    },
  };
  expect(auditWords(change)).toBe("Changed the connection “Orchard”");
  expect(auditDetail(change)).toBe(
    "settings: timeoutMs 30000 → 500, headers.X-Key changed, headers.X-Trace new: •••, checkPath removed, was /me, … and 3 more · credentials: password, token",
  );
  expect(auditDetail({ ...change, detail: { name: "Orchard", settings: {}, credentials: [] } })).toBe("");
});

it("what still exists has a page to go to", () => {
  expect(auditHref({ action: "run.undo", subject: "14" })).toBe("/runs/14");
  expect(auditHref({ action: "run.start", subject: "flow_1", detail: { run: "8" } })).toBe("/runs/8");
  expect(auditHref({ action: "connection.update", subject: "con 1" })).toBe("/connections?connection=con%201");
  expect(auditHref({ action: "connection.delete", subject: "con_1" })).toBeNull();
  expect(auditHref({ action: "workspace.rename", subject: "ws_1" })).toBeNull();
});
