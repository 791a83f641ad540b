/** The main job through the public interface, as a script of the user's own would do it, on the sample company. */
import { expect, test } from "@playwright/test";
import { call, type Product, startProduct, until } from "./product.ts";

let product: Product;

test.beforeAll(async () => {
  test.setTimeout(400_000);
  product = await startProduct("api story", {
    PLUMBLINE_OWNER_EMAIL: "ana@example.com",
    PLUMBLINE_OWNER_PASSWORD: "correct-horse-9",
  });
});
test.afterAll(() => product?.stop());

type Run = {
  id: string;
  state: string;
  kind: string;
  error?: { message: string };
  counts: { [name: string]: number };
  steps: ({ id: string; in: number; out: number } & { [outcome: string]: number })[];
};

const FINAL = ["succeeded", "succeeded_with_errors", "failed", "cancelled"];
const finished = (id: string) =>
  until(`run ${id}`, 60, async () => {
    const run = await call<Run>(product, "GET", `/runs/${id}`);
    return FINAL.includes(run.state) ? run : undefined;
  });

const flow = {
  format: "plumbline/1",
  name: "Shop orders to accounting",
  brief: {
    moves: "Paid orders",
    direction: "one-way",
    timing: "every night",
    onFailure: "Ana looks at it",
    owner: "ana@example.com",
    rollback: "Undo the run",
  },
  assumptions: [{ text: "Order numbers are never reused", by: "ana@example.com", on: "2026-11-23" }],
  steps: [
    { id: "orders", kind: "read", connection: "Shop", stream: "orders", sync: "incremental", watermark: "updated_at" },
    { id: "check", kind: "check", rules: [{ field: "email", is: "email" }], otherwise: "dead" },
    {
      id: "invoice",
      kind: "map",
      fields: [
        { to: "number", from: "order_no" },
        { to: "customer", from: "customer_name", apply: ["trim", "titleCase"] },
        { to: "email", from: "email", apply: ["lower"] },
        { to: "issued_on", formula: 'PARSEDATE(ordered_on, ["yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy"])' },
        { to: "net", formula: 'NUMBER(SUBSTITUTE(total, ",", "."))' },
        { to: "currency", from: "currency", apply: ["upper"] },
      ],
    },
    { id: "books", kind: "write", connection: "Books", sink: "invoices", operation: "upsert", match: ["number"] },
  ],
  links: [
    { from: "orders", to: "check" },
    { from: "check", to: "invoice" },
    { from: "invoice", to: "books" },
  ],
};

test("draw, see, run, repair, undo", async () => {
  await until("the sample company", 60, async () => {
    const { items } = await call<{ items: { name: string }[] }>(product, "GET", "/connections");
    return items.length === 3 ? items : undefined;
  });
  const [shopDb, booksDb] = await Promise.all(
    ["shop", "books"].map(async (part) => {
      const rows = await product.query("postgres", "SELECT datname FROM pg_database WHERE datname LIKE $1", [
        `plumbline_${part}_%`,
      ]);
      return String(rows[0]?.datname);
    }),
  );
  const invoices = () =>
    product.query(
      booksDb as string,
      "SELECT number, customer, email, issued_on::text, net, currency, status FROM invoices ORDER BY id",
    );
  const before = await invoices();
  expect(before).toHaveLength(25);

  const made = await call<{ id: string; problems: unknown[] }>(product, "POST", "/flows", flow);
  expect(made.problems).toEqual([]);

  const dry = await finished(
    (await call<{ id: string }>(product, "POST", `/flows/${made.id}/runs`, { mode: "dry" })).id,
  );
  expect(await invoices()).toEqual(before);
  expect(dry.counts.read).toBe(5000);

  await call(product, "POST", `/flows/${made.id}/publish`, { note: "First version" });
  const live = await finished(
    (await call<{ id: string }>(product, "POST", `/flows/${made.id}/runs`, { mode: "live" })).id,
  );
  expect(live.state).toBe("succeeded_with_errors");
  expect(live.counts).toEqual(dry.counts);
  const { read, ...outcomes } = live.counts;
  expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(read);
  expect(await invoices()).toHaveLength(25 + (live.counts.created ?? 0));

  const groups = await call<{ items: { id: string; count: number; reason: string; step: string; field?: string }[] }>(
    product,
    "GET",
    `/dead-letters/groups?flow=${made.id}`,
  );
  expect(groups.items.reduce((sum, group) => sum + group.count, 0)).toBe(live.counts.dead);
  const currency = groups.items.find((group) => group.step === "books");
  expect(currency).toBeDefined();
  const replay = await call<{ id: string }>(product, "POST", "/dead-letters/replay", {
    group: currency?.id,
    patch: { currency: "EUR" },
  });
  const replayed = await finished(replay.id);
  expect(replayed).toMatchObject({ kind: "replay", state: "succeeded" });
  expect(replayed.counts.read).toBe(currency?.count);

  // the next night: only what changed is written
  await product.query(
    shopDb as string,
    "UPDATE orders SET customer_name = 'Changed Name' WHERE id IN (SELECT id FROM orders WHERE email LIKE '%@%' AND currency <> 'EURO' ORDER BY id LIMIT 2 OFFSET 100)",
  );
  const again = await finished(
    (await call<{ id: string }>(product, "POST", `/flows/${made.id}/runs`, { mode: "live" })).id,
  );
  expect(again.counts).toMatchObject({ read: 2, created: 0, updated: 2 });

  const changed = await product.query(
    booksDb as string,
    "UPDATE invoices SET net = net + 1 WHERE number = 'SO-14000' RETURNING number",
  );
  for (const id of [again.id, replay.id]) {
    const undone = await finished(
      (await call<{ id: string }>(product, "POST", `/runs/${id}/undo`, { onConflict: "skip" })).id,
    );
    expect(undone.state).toBe("succeeded");
  }
  const undo = await finished(
    (await call<{ id: string }>(product, "POST", `/runs/${live.id}/undo`, { onConflict: "skip" })).id,
  );
  expect(undo.counts).toMatchObject({ conflict: changed.length, failed: 0 });
  expect((await invoices()).filter(({ number }) => number !== "SO-14000")).toEqual(before);
});

test("what is broken is answered with a code and words, never a crash", async () => {
  const answer = async (path: string, init: RequestInit) => {
    const response = await fetch(`${product.url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${product.apiToken}`, ...init.headers },
    });
    return { status: response.status, body: (await response.json()) as { error: { code: string; message: string } } };
  };
  expect((await fetch(`${product.url}/api/v1/flows`)).status).toBe(401);
  expect(
    (await answer("/flows", { method: "POST", body: "{", headers: { "content-type": "application/json" } })).status,
  ).toBe(400);
  const large = JSON.stringify({ name: "x".repeat(10_500_000) });
  expect(
    (await answer("/flows", { method: "POST", body: large, headers: { "content-type": "application/json" } })).status,
  ).toBe(413);
  expect((await answer("/runs/999999", {})).status).toBe(404);
  const cycle = { ...flow, name: "Cycle", links: [...flow.links, { from: "invoice", to: "check" }] };
  const made = await call<{ id: string; problems: { step: string; message: string; remedy: string }[] }>(
    product,
    "POST",
    "/flows",
    cycle,
  );
  expect(made.problems.some(({ message }) => /cycle|circle|loop/i.test(message))).toBe(true);
  const health = await (await fetch(`${product.url}/api/v1/health`)).json();
  expect(health).toMatchObject({ status: "ok", database: "ok" });
});
