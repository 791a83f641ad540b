/**
 * A flow that starts with a webhook, lived in a browser: drawn from a sample, published, sent events, watched, asked about,
 * replayed; and a system outside that is told of a topic. The databases are asked what really happened.
 */
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type Page, test } from "@playwright/test";
import { canvasOf, lineByKeys, pullLine, stepCard, targetRow, writeFormula } from "./draw.ts";
import { call, type Product, startProduct, until } from "./product.ts";
import { expectAccessible, expectFitsWidth } from "./screens.ts";

test.describe.configure({ mode: "serial" });

let product: Product;
let page: Page;
let books: string;
/** address of the flow's webhook, and of its page */
let hook: string;
let flowPage: string;

const event = (id: string, amount: unknown = "12.50") => ({
  id,
  customer: { name: " Ana López " },
  amount,
  reason: "Broken on arrival",
});

test.beforeAll(async ({ browser }) => {
  test.setTimeout(400_000);
  product = await startProduct("events", {
    PLUMBLINE_OWNER_EMAIL: "ana@example.com",
    PLUMBLINE_OWNER_PASSWORD: "correct-horse-9",
  });
  let connection: string | undefined;
  books = await until("the sample company", 120, async () => {
    const [row] = await product.query(
      "postgres",
      "SELECT datname FROM pg_database WHERE datname LIKE 'plumbline_books_%'",
    );
    const { items } = await call<{ items: { id: string; name: string }[] }>(product, "GET", "/connections");
    connection = items.find(({ name }) => name === "Books")?.id;
    return row && connection ? String(row.datname) : undefined;
  });
  await product.query(
    books,
    "CREATE TABLE refunds (number text PRIMARY KEY, customer text NOT NULL, amount numeric(20,2) NOT NULL); GRANT ALL ON refunds TO PUBLIC",
  );
  for (const side of ["streams", "sinks"])
    await call(product, "GET", `/connections/${connection}/${side}?refresh=true`);
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    locale: "en-GB",
  });
  page = await context.newPage();
});
test.afterAll(async () => {
  await page?.context().close();
  await product?.stop();
});

const send = async (body: unknown, headers: { [name: string]: string } = {}) => {
  const answer = await fetch(hook, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer of-the-shop", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as { id: string; error?: { code: string } } };
};
const refunds = () => product.query(books, "SELECT number, customer, amount FROM refunds ORDER BY number");

test("a webhook is drawn from a sample, mapped and published, and has an address", async () => {
  await page.goto(product.url);
  await page.getByLabel("E-mail").fill("ana@example.com");
  await page.getByLabel("Password", { exact: true }).fill("correct-horse-9");
  await page.getByRole("button", { name: /sign in/i }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Good / })).toBeVisible();
  await page.goto(`${product.url}/flows`);
  await page.getByRole("button", { name: "New flow" }).click();
  const brief = page.getByRole("dialog", { name: "New flow" });
  await brief.getByRole("textbox", { name: "Name" }).fill("Refunds");
  const answers = {
    "What moves?": "Refund requests of the shop, once somebody agreed",
    "In which direction?": "One-way",
    "When?": "As they come",
    "What happens when something fails?": "The request waits under Failed",
    "Who watches it?": "ana@example.com",
    "How is it undone?": "Undo the run",
  };
  for (const [question, answer] of Object.entries(answers)) await brief.getByLabel(question).fill(answer);
  await brief.getByRole("button", { name: "Draw the flow" }).click();
  await expect(page).toHaveURL(/\/flows\/[^/?]+$/);
  flowPage = page.url();

  const add = (entry: string) =>
    page.getByRole("region", { name: "Palette" }).getByRole("button", { name: entry, exact: true }).press("Enter");
  const inspector = page.getByRole("complementary", { name: "Inspector" });
  await add("Webhook");
  await expect(inspector.getByText(/\/hooks\/\S+/)).toBeVisible();
  await inspector.getByLabel("Sample").fill(JSON.stringify(event("RF-0")));
  await inspector.getByLabel("Event id").fill("id");
  await expect(inspector.getByText("Fields after this step 4")).toBeVisible();
  await add("Approve");
  await inspector.getByLabel("Question").fill("Pay this refund?");
  await add("Map");
  await add("Write Books · refunds");
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(3);

  await stepCard(page, "Map").dblclick();
  const mapper = page.getByRole("region", { name: "Mapper of Map" });
  await pullLine(page, "id", "number");
  await lineByKeys(page, "customer.name", "customer");
  await writeFormula(page, "amount", "NUMBER(amount)");
  await expect(targetRow(page, "amount")).toContainText("12.5"); // the sample's, before any event has come
  await mapper.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("button", { name: "Problems 0" })).toBeVisible();
  await expectAccessible(page, "the editor of a webhook");

  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Publish version 1" });
  await dialog.getByRole("textbox", { name: "Note" }).fill("The shop sends refunds");
  await dialog.getByRole("button", { name: "Publish" }).click();
  const live = page.getByRole("dialog", { name: /^Version 1 of .* is live$/ });
  hook = (await live.getByText(/^http\S+\/hooks\/\S+$/).textContent()) ?? "";
  await expect(live.getByRole("button", { name: "Run now" })).toHaveCount(0); // it runs when something arrives
  await live.getByRole("link", { name: "Deliveries" }).click();
  await expect(page.getByText("Nothing has arrived yet")).toBeVisible();
  await page.getByRole("button", { name: "Copy address" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
});

test("events are seen with body and headers, secrets hidden; a repeat counts once; broken ones are refused", async () => {
  expect((await send("{ not json")).body.error?.code).toBe("not-json");
  const first = await send(event("RF-1", "90071992547409.93"));
  expect(first.status).toBe(202);
  expect((await send(event("RF-1", "1"))).body.id).toBe(first.body.id);
  for (const id of ["RF-2", "RF-3"]) expect((await send(event(id))).status).toBe(202);
  const table = page.getByRole("region", { name: "Deliveries" });
  await expect(table.getByRole("row")).toHaveCount(4, { timeout: 20_000 }); // the head, and three events
  const row = table.getByRole("row", { name: /RF-1/ });
  await expect(row).toContainText("came 2 times");
  await expect(row).toContainText("Held back", { timeout: 20_000 });
  await expectAccessible(page, "deliveries");
  await row.click();
  const delivery = page.getByRole("dialog", { name: `Delivery ${first.body.id}` });
  await expect(delivery).toContainText("90071992547409.93");
  await expect(delivery).toContainText("•••");
  await expect(delivery).not.toContainText("of-the-shop");
  await expectAccessible(page, "a delivery");
  await page.keyboard.press("Escape");
  expect(await refunds()).toEqual([]);
  // what waits says for what, where it is looked for
  await page.goto(`${product.url}/runs/${first.body.id}`);
  await expect(page.getByText("1 record waits until somebody says yes or no.")).toBeVisible();
  await expectAccessible(page, "a run that holds a record back");
  await page.goto(product.url);
  await page.getByRole("link", { name: /Records wait for your yes or no/ }).click();
  await expect(page.getByText("3 records, the oldest first")).toBeVisible();
});

test("a person answers on a phone; the records go on, each in a run whose balance closes", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${product.url}/approvals`);
  await expect(page.getByText("3 records, the oldest first")).toBeVisible();
  await expectFitsWidth(page, "approvals");
  await expectAccessible(page, "approvals on a phone");
  await page.getByRole("textbox", { name: "Note for RF-1" }).fill("Photos seen");
  await page.getByRole("button", { name: "Yes to RF-1" }).click();
  await page.getByRole("button", { name: "No to RF-2" }).click();
  await expect(page.getByText("1 record, the oldest first")).toBeVisible();
  await page.getByRole("tab", { name: "Answered" }).click();
  await expect(page.getByText("“Photos seen”")).toBeVisible();
  await until("the refund that was agreed", 20, async () => ((await refunds()).length > 0 ? true : undefined));
  expect(await refunds()).toEqual([{ number: "RF-1", customer: " Ana López ", amount: "90071992547409.93" }]);
  type Item = { event: string; outcome: string };
  const { items } = await call<{ items: Item[] }>(product, "GET", "/records?key=RF-1");
  expect(items.map(({ event: what, outcome }) => `${what} ${outcome}`)).toEqual([
    "ended held",
    "decided approved by ana@example.com",
    "written created",
  ]);
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("a delivery is replayed as an event of its own; the editor knows what events carry", async () => {
  await page.goto(`${flowPage}/deliveries`);
  await page.getByRole("region", { name: "Deliveries" }).getByRole("row", { name: /RF-2/ }).click();
  await page.getByRole("button", { name: "Replay" }).click();
  await expect(page.getByRole("dialog", { name: /^Delivery \d+$/ })).toContainText("sent again by ana@example.com");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("region", { name: "Deliveries" }).getByText(/^delivery \d+ again$/)).toBeVisible();
  await page.goto(flowPage);
  await stepCard(page, "Map").click();
  await page.getByRole("button", { name: "Data", exact: true }).click();
  await expect(page.getByRole("region", { name: "Data at the chosen step" })).toContainText("RF-2"); // the newest came last
});

test("a system outside is told of a topic by signed webhooks, and the screen says how it takes them", async () => {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const outside: Server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    got.push({ headers: request.headers, body });
    response.writeHead(204).end();
  });
  await new Promise<void>((listening) => outside.listen(0, "127.0.0.1", listening));
  try {
    await page.goto(`${product.url}/settings?part=topics`);
    await page.getByRole("button", { name: "New subscriber" }).click();
    const form = page.getByRole("dialog", { name: "New subscriber" });
    await form.getByRole("button", { name: "Add the subscriber" }).click();
    await expect(form.getByText("Name the system that is told.")).toBeVisible();
    await form.getByLabel("Name").fill("Warehouse");
    await form.getByLabel("Topic").fill("orders");
    await form.getByLabel("Address").fill(`http://127.0.0.1:${(outside.address() as AddressInfo).port}/hooks`);
    await form.getByRole("button", { name: "Add the subscriber" }).click();
    const made = page.getByRole("dialog", { name: "The signing secret of “Warehouse”" });
    const secret = (await made.getByText(/^whsec_/).textContent()) ?? "";
    await made.getByRole("button", { name: "Done" }).click();
    await call(product, "POST", "/topics/orders/events?type=order.created&subject=SO-7", { order_no: "SO-7" }, 202);
    await until("the event outside", 20, async () => (got.length > 0 ? true : undefined));
    const { headers, body } = got[0] as (typeof got)[number];
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
    expect(JSON.parse(body)).toMatchObject({ type: "order.created", subject: "SO-7", data: { order_no: "SO-7" } });
    const table = page.getByRole("region", { name: "Subscribers outside" });
    await expect(table.getByRole("row", { name: /Warehouse/ })).toContainText("1 sent", { timeout: 20_000 });
    await expectAccessible(page, "topics");
    await table.getByText("Warehouse").click();
    await expect(page.getByRole("dialog", { name: "Events to Warehouse" })).toContainText("SO-7");
    await page.keyboard.press("Escape");
    outside.closeAllConnections();
    await new Promise((closed) => outside.close(closed));
    await call(product, "POST", "/topics/orders/events?type=order.created&subject=SO-8", { order_no: "SO-8" }, 202);
    await expect(table.getByRole("row", { name: /Warehouse/ })).toContainText("Does not answer", { timeout: 20_000 });
    await expect(table.getByRole("row", { name: /Warehouse/ })).toContainText("1 waiting");
    await expectAccessible(page, "topics, a subscriber down");
  } finally {
    outside.closeAllConnections();
    outside.close();
  }
});

test("a flow that stops because too many of its events fail says so at home and on its page, until it is resumed", async () => {
  const steps = [
    { id: "hook", kind: "webhook" },
    { id: "check", kind: "check", rules: [{ field: "amount", is: "number" }], otherwise: "dead" },
    { id: "tell", kind: "publish", topic: "refunds" },
  ];
  const links = [
    { from: "hook", to: "check" },
    { from: "check", to: "tell" },
  ];
  const brief = {
    ...{ moves: "refunds", direction: "one-way", timing: "real-time", onFailure: "a person looks" },
    ...{ owner: "ana@example.com", rollback: "nothing to undo" },
  };
  const document = {
    format: "plumbline/1",
    name: "Stops itself",
    brief,
    steps,
    links,
    settings: { stopAt: { dead: 1 } },
  };
  const { id } = await call<{ id: string }>(product, "POST", "/flows", document);
  const published = await call<{ hook: string }>(product, "POST", `/flows/${id}/publish`, { note: "first" });
  const body = JSON.stringify(event("R-9", "many"));
  const sent = await fetch(`${product.url}${published.hook}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect(sent.status).toBe(202);
  const why = "Stopped: 1 of the last 1 records failed, and the flow is set to stop at 1 record.";
  await until("the flow stops", 20, async () => {
    const state = await call<{ pausedReason?: string }>(product, "GET", `/flows/${id}/state`);
    return state.pausedReason?.startsWith(why);
  });
  await page.goto(product.url);
  const item = page.getByRole("link", { name: /“Stops itself” has stopped itself/ });
  await expect(item).toContainText(why);
  await item.click();
  await expect(page.getByTitle(why)).toBeVisible();
  await expectAccessible(page, "a flow that stopped itself");
  await page.getByRole("button", { name: "Resume the flow" }).click();
  await expect(page.getByTitle(why)).toBeHidden();
});

test("a record that may have arrived is sent again only when somebody says so", async () => {
  let posts = 0;
  const mailer: Server = createServer((request) => {
    request.resume().on("end", () => {
      posts++;
      request.socket.destroy(); // it may have done it; nobody hears
    });
  });
  await new Promise<void>((listening) => mailer.listen(0, "127.0.0.1", listening));
  const baseUrl = `http://127.0.0.1:${(mailer.address() as AddressInfo).port}`;
  const sinks = [{ name: "mails", key: ["number"], create: { path: "/mails" } }];
  try {
    await call(product, "POST", "/connections", { name: "Mailer", connector: "http", settings: { baseUrl, sinks } });
    const { id } = await call<{ id: string }>(product, "POST", "/flows", {
      format: "plumbline/1",
      name: "Mails",
      brief: {
        ...{ moves: "mails", direction: "one-way", timing: "real-time", onFailure: "a person looks" },
        ...{ owner: "ana@example.com", rollback: "not possible" },
      },
      steps: [
        { id: "hook", kind: "webhook" },
        { id: "map", kind: "map", fields: [{ to: "number", from: "id" }] },
        { id: "mail", kind: "write", connection: "Mailer", sink: "mails", operation: "insert" },
      ],
      links: [
        { from: "hook", to: "map" },
        { from: "map", to: "mail" },
      ],
    });
    const published = await call<{ hook: string }>(product, "POST", `/flows/${id}/publish`, { note: "first" });
    await fetch(`${product.url}${published.hook}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(event("M-1")),
    });
    await until("the letter", 40, async () => {
      const { items } = await call<{ items: object[] }>(product, "GET", `/dead-letters?flow=${id}`);
      return items.length > 0 ? true : undefined;
    });
    const before = posts;
    await page.goto(`${product.url}/failed?flow=${id}`);
    await expect(page.getByText("It may have arrived.")).toBeVisible();
    await expectAccessible(page, "records that may have arrived");
    await page.getByRole("button", { name: "Send 1 record again…" }).click();
    const question = page.getByRole("alertdialog", { name: /if it did arrive, it will be there twice/ });
    await expectAccessible(page, "the question before something is sent again");
    await question.getByRole("button", { name: "Leave it" }).click();
    expect(posts).toBe(before);
    await page.getByRole("button", { name: "Send 1 record again…" }).click();
    await question.getByRole("button", { name: "Send 1 record again" }).click();
    await until("the second try", 40, async () => (posts > before ? true : undefined));
  } finally {
    mailer.closeAllConnections();
    mailer.close();
  }
});
