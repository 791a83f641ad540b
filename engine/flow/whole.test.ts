import { describe, expect, it } from "vitest";
import type { Field, SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import type { FlowWorld } from "../steps/define-step.ts";
import { compileFlow } from "./compile.ts";
import { readDraft } from "./read-draft.ts";

const fields: Field[] = [
  { name: "id", type: "integer", key: true },
  { name: "number", type: "text", unique: true },
  { name: "email", type: "text" },
  { name: "day", type: "datetime", unique: true },
  { name: "tags", type: "list" },
  { name: "manager", type: "integer", nullable: true },
];
const orders: StreamInfo = { name: "orders", title: "", fields, key: ["id"], watermarks: ["day"], findBy: "any" };

const invoices: SinkInfo = {
  name: "invoices",
  title: "",
  fields: [
    { name: "id", type: "integer", key: true, default: true },
    { name: "external_id", type: "text", unique: true },
    { name: "email", type: "text" },
    { name: "due", type: "date" },
    { name: "manager", type: "integer" },
  ],
  open: false,
  matchKeys: [["id"], ["external_id"]],
  uniques: [["id"], ["external_id"]],
  operations: ["insert", "update", "upsert", "delete"],
  batchSize: 1000,
  readBack: true,
  undo: "full",
  idempotencyKeys: false,
  transactional: true,
  effect: "once",
};

const map = (...mapped: object[]) => ({ id: "map", kind: "map", fields: mapped });
const number = { to: "external_id", from: "number" };
const email = { to: "email", from: "email", apply: ["trim"] };
const write = {
  id: "write",
  kind: "write",
  connection: "B",
  sink: "invoices",
  operation: "upsert",
  match: ["external_id"],
};

type Case = {
  read?: object;
  /** between read and write; default: a map of number and e-mail */
  steps?: { id: string }[];
  write?: object;
  sink?: Partial<SinkInfo>;
  settings?: object;
  /** the sink is on the connection that is read */
  same?: string;
};

const wholeOf = (of: Case) => planOf(of).whole;

function planOf({ read = {}, steps = [map(number, email)], write: change = {}, sink = {}, settings, same }: Case) {
  const last = { ...write, ...change };
  const all = [{ id: "orders", kind: "read", connection: "A", stream: "orders", ...read }, ...steps, last] as {
    id: string;
  }[];
  const chain = all.slice(1).map((step, at) => ({ from: all[at]!.id, to: step.id }));
  const document = { format: "plumbline/1", name: "T", steps: all, links: chain, ...(settings ? { settings } : {}) };
  const place = { ...invoices, ...sink, ...(same ? { name: same } : {}) };
  const world: FlowWorld = {
    connections: new Map([
      ["A", { name: "A", connector: "x", streams: [orders], sinks: same ? [place] : [] }],
      ["B", { name: "B", connector: "x", streams: [], sinks: [place] }],
    ]),
  };
  const draft = readDraft(document);
  const { plan, problems } = compileFlow(draft.flow, world);
  if (!plan) throw new Error(JSON.stringify([...draft.problems, ...problems]));
  return plan;
}

/** Every line is a flow whose runs may be divided. */
const divisible: [string, Case][] = [
  [
    "a check, a map and an upsert by what is unique in the stream",
    {
      steps: [
        { id: "c", kind: "check", rules: [{ field: "email", is: "email" }] } as { id: string },
        map(number, email),
      ],
    },
  ],
  ["the key as text", { steps: [map({ to: "external_id", from: "id", apply: ["text"] })] }],
  ["a filter and a branch", { steps: [{ id: "f", kind: "filter", where: "id > 5" } as { id: string }, map(number)] }],
  ["an insert of records that cannot be equal", { write: { operation: "insert", match: undefined } }],
  ["a delete", { steps: [map(number)], write: { operation: "delete" } }],
  [
    "a lookup that leaves the match alone",
    {
      steps: [
        {
          id: "l",
          kind: "lookup",
          connection: "A",
          stream: "orders",
          match: { id: "manager" },
          take: [{ to: "boss", from: "email" }],
        } as { id: string },
        map(number, email),
      ],
    },
  ],
  ["a wait", { steps: [map(number), { id: "w", kind: "wait", for: "1h" } as { id: string }] }],
  [
    "parts of a record that keep its number",
    { steps: [{ id: "s", kind: "split", field: "tags", as: "tag", keep: ["number"] } as { id: string }, map(number)] },
  ],
  ["a foreign key to a sink that is not written", { sink: { refers: ["customers"] } }],
];

/** Every line is a flow whose runs stay whole, and why. */
const whole: [string, Case, RegExp][] = [
  ["order by key", { settings: { order: "by-key" } }, /in order/],
  ["stopAt", { settings: { stopAt: { dead: 5 } } }, /halts/],
  ["reading by watermark", { read: { sync: "incremental", watermark: "day" } }, /watermark/],
  [
    "dedupe",
    { steps: [{ id: "d", kind: "dedupe", keys: ["email"] } as { id: string }, map(number)] },
    /“d” \(dedupe\)/,
  ],
  [
    "collect",
    {
      steps: [
        {
          id: "g",
          kind: "collect",
          by: ["number"],
          fields: [{ to: "last", take: "last", from: "email" }],
          within: "run",
        } as { id: string },
        map(number),
      ],
    },
    /“g” \(collect\)/,
  ],
  [
    "a unique check",
    { steps: [{ id: "c", kind: "check", rules: [{ field: "email", unique: true }] } as { id: string }, map(number)] },
    /equal values/,
  ],
  ["a match that several records may share", { steps: [map({ to: "external_id", from: "email" })] }, /several records/],
  ["a match that is written another way", { steps: [map({ ...number, apply: ["lower"] })] }, /several records/],
  ["a match that is computed", { steps: [map({ to: "external_id", formula: "number & 1" })] }, /several records/],
  ["a match with a value for the empty case", { steps: [map({ ...number, whenEmpty: "none" })] }, /several records/],
  [
    "texts that become numbers",
    { steps: [map({ to: "id", from: "number", apply: ["integer"] })], write: { match: ["id"] } },
    /several records/,
  ],
  [
    "moments that become days",
    { steps: [map({ to: "due", from: "day", apply: ["date"] })], write: { match: ["due"] } },
    /several records/,
  ],
  [
    "a lookup that overwrites the match",
    {
      steps: [
        {
          id: "l",
          kind: "lookup",
          connection: "A",
          stream: "orders",
          match: { id: "manager" },
          take: [{ to: "number", from: "number" }],
        } as { id: string },
        map(number),
      ],
    },
    /several records/,
  ],
  ["another unique field of the target", { sink: { uniques: [["external_id"], ["email"]] } }, /email must be unique/],
  ["an expression that must be unique", { sink: { uniques: [["external_id"], null] } }, /an expression/],
  [
    "an insert that may be refused for another record",
    { write: { operation: "insert", match: undefined }, sink: { uniques: [["email"]] } },
    /email must be unique/,
  ],
  ["a parent in the same sink", { sink: { refers: ["invoices"] } }, /be there first/],
  [
    "a write to the stream itself",
    { same: "orders", write: { connection: "A", sink: "orders" } },
    /stream that is read/,
  ],
];

describe("a run may be divided", () => {
  it.each(divisible)("with %s", (_, flow) => {
    expect(wholeOf(flow)).toBeNull();
  });
});

describe("the first load of an incremental read", () => {
  const read = { sync: "incremental", watermark: "day" };
  const first = (of: Case) => planOf({ ...of, read }).wholeAtFirst;
  it("may be divided as a full read may", () => {
    for (const [what, of] of divisible)
      expect(first(of), what).toEqual(/insert|wait/.test(what) ? expect.stringMatching(/once more/) : null);
    expect(planOf({ settings: { order: "by-key" }, read }).wholeAtFirst).toMatch(/in order/);
    expect(planOf({}).wholeAtFirst).toBeNull();
  });
  it("does not let a record that is read once more be taken for a new one", () => {
    const wait = { id: "w", kind: "wait", for: "1h" } as { id: string };
    expect(first({ steps: [map(number, email), wait] })).toMatch(/“w” would take a record for a new one/);
    expect(first({ write: { operation: "insert", match: undefined } })).toMatch(/“write” would take/);
  });
});

describe("a run stays whole", () => {
  it.each(whole)("with %s", (_, flow, why) => {
    expect(wholeOf(flow)).toMatch(why);
  });

  it("when two steps find the records of one sink in different ways", () => {
    const second = { ...write, id: "second", operation: "update", match: ["email"] };
    const filter = { id: "b", kind: "branch", branches: [{ port: "one", where: 'email = "x"' }] };
    const document = {
      format: "plumbline/1",
      name: "T",
      steps: [
        { id: "orders", kind: "read", connection: "A", stream: "orders" },
        map(number, { to: "email", from: "number" }),
        filter,
        write,
        second,
      ],
      links: [
        { from: "orders", to: "map" },
        { from: "map", to: "b" },
        { from: "b", port: "one", to: "write" },
        { from: "b", port: "else", to: "second" },
      ],
    };
    const connections: FlowWorld["connections"] = new Map([
      ["A", { name: "A", connector: "x", streams: [orders], sinks: [] }],
      ["B", { name: "B", connector: "x", streams: [], sinks: [{ ...invoices, uniques: [] }] }],
    ]);
    const { plan, problems } = compileFlow(readDraft(document).flow, { connections });
    expect(problems).toEqual([]);
    expect(plan?.whole).toMatch(/different ways/);
  });
});
