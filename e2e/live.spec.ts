/** A table is let to tell of its changes, a flow follows it, and what changes there shows elsewhere within moments. */
import { expect, type Page, test } from "@playwright/test";
import { stepCard } from "./draw.ts";
import { call, type Product, until } from "./product.ts";
import { expectAccessible, expectFitsWidth, sampleConnections, signIn, type Visit, visit } from "./screens.ts";

let visited: Visit | undefined;
let product: Product;
let page: Page;
let shop: string;
let books: string;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(400_000);
  visited = await visit(browser, "live");
  ({ product, page } = visited);
  await signIn(page);
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  const connections = await sampleConnections(product);
  const databaseOf = async (wanted: string) => {
    const { id } = connections.find(({ name }) => name === wanted) as { id: string };
    const { settings } = await call<{ settings: { database: string } }>(product, "GET", `/connections/${id}`);
    return settings.database;
  };
  shop = await databaseOf("Shop");
  books = await databaseOf("Books");
});
test.afterEach(() => expect(visited?.crashes).toEqual([]));
test.afterAll(() => visited?.end());

const flow = {
  format: "plumbline/1",
  name: "Customers to books",
  brief: {
    moves: "Customers become parties",
    direction: "one-way",
    timing: "As soon as a record changes",
    onFailure: "It waits under Failed",
    owner: "ana@example.com",
    rollback: "Undo of the run",
  },
  steps: [
    { id: "customers", title: "Shop · customers", kind: "read", connection: "Shop", stream: "customers" },
    {
      id: "party",
      kind: "map",
      fields: [
        { to: "number", from: "id", apply: ["text"] },
        { to: "name", from: "name" },
      ],
    },
    { id: "books", kind: "write", connection: "Books", sink: "parties", operation: "upsert", match: ["number"] },
  ],
  links: [
    { from: "customers", to: "party" },
    { from: "party", to: "books" },
  ],
};

const nameIn = async (number: string) =>
  (await product.query(books, "SELECT name FROM parties WHERE number = $1", [number]))[0]?.name;

test("a table tells of its changes, and a flow carries each of them on at once", async () => {
  const { id } = await call<{ id: string }>(product, "POST", "/flows", flow);
  await page.goto(`${product.url}/flows/${id}`);
  await stepCard(page, "Shop · customers").click();
  await page.getByRole("combobox", { name: "Which records" }).click();
  await page.getByRole("option", { name: /^Each one as it changes/ }).click();
  await expect(page.getByText("Changes of customers are not recorded yet")).toBeVisible();
  await page.getByRole("button", { name: "Record changes…" }).click();
  const dialog = page.getByRole("dialog", { name: "Record the changes of customers" });
  await expect(dialog.getByText(/^Triggers on customers/)).toBeVisible();
  await dialog.getByRole("button", { name: "The same as a script, for the administrator" }).click();
  await expect(dialog.getByText(/CREATE TRIGGER plumbline_update/)).toBeVisible();
  await expectAccessible(page, "what would be made to record changes");
  expect(await product.query(shop, "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'plumbline%'")).toEqual([]);
  await dialog.getByRole("button", { name: "Make it" }).click();
  await expect(page.getByText("Changes of customers are recorded: a flow can start")).toBeVisible();
  await expectAccessible(page, "a step that follows changes");

  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const publishing = page.getByRole("dialog", { name: "Publish version 1" });
  await publishing.getByRole("textbox", { name: "Note" }).fill("Customers go over as they change");
  await publishing.getByRole("button", { name: "Publish" }).click();
  // the first look reads them all
  await until("all customers in the books", 60, async () => {
    const [row] = await product.query(books, "SELECT count(*)::int AS n FROM parties WHERE number ~ '^[0-9]+$'");
    return Number(row?.n) >= 1_000 ? row : undefined;
  });
  await until("the flow to be live", 30, async () => {
    const { watching } = await call<{ watching?: { live: boolean | null } }>(product, "GET", `/flows/${id}/state`);
    return watching?.live === true ? watching : undefined;
  });

  await product.query(shop, "UPDATE customers SET name = 'Grace Hopper' WHERE id = 7");
  await until("the new name in the books", 30, async () => ((await nameIn("7")) === "Grace Hopper" ? true : undefined));
  await page.goto(`${product.url}/flows`);
  const row = page.getByRole("row").filter({ hasText: "Customers to books" });
  await expect(row).toContainText("as records change");
  await expect(row).toContainText("Live: it waits for the next change. The last run wrote 1 record.");
  await page.goto(`${product.url}/runs`);
  await expect(page.getByRole("row").filter({ hasText: "as records changed" }).first()).toBeVisible();
});

const recorders = () => product.query(shop, "SELECT relname FROM pg_class WHERE relname LIKE 'plumbline%'");

test("what records changes is not taken away under a flow that follows them, and leaves nothing behind afterwards", async () => {
  await page.goto(`${product.url}/connections`);
  await page.getByRole("link", { name: "Shop" }).first().click();
  await page.getByRole("button", { name: "Stop recording…" }).click();
  const asked = page.getByRole("alertdialog", { name: "Flows follow the changes of customers" });
  await expect(asked.getByRole("link", { name: "Customers to books" })).toBeVisible();
  await asked.getByRole("button", { name: "Close" }).click();
  const { items } = await call<{ items: { id: string }[] }>(product, "GET", "/flows");
  for (const { id } of items) await call(product, "DELETE", `/flows/${id}`);
  // it has left the database with the last of them; a person can have it made and taken away without a flow, too
  const gone = () =>
    until("the recorder to be gone", 20, async () => ((await recorders()).length === 0 ? true : undefined));
  await gone();
  await page.reload();
  await page.getByRole("button", { name: "Record changes…" }).first().click();
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("button", { name: "Stop recording…" }).click();
  await page.getByRole("button", { name: "Remove them" }).click();
  await gone();
  await expectFitsWidth(page, "a connection");
});
