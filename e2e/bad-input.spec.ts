/** What is broken is named with its place and what to do, and nothing crashes. */
import { expect, type Page, test } from "@playwright/test";
import { stepCard } from "./draw.ts";
import { call, type Product } from "./product.ts";
import { expectAccessible, sampleConnections, signIn, type Visit, visit } from "./screens.ts";

let visited: Visit | undefined;
let product: Product;
let page: Page;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(400_000);
  visited = await visit(browser, "bad input");
  ({ product, page } = visited);
  await signIn(page, "not the password");
  await expect(page.getByText(/e-mail .* password/i).first()).toBeVisible();
  await expectAccessible(page, "sign-in");
  await signIn(page);
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await sampleConnections(product);
});
test.afterEach(() => expect(visited?.crashes).toEqual([]));
test.afterAll(() => visited?.end());

const broken = `
format: plumbline/1
name: Broken in five ways
steps:
  - { id: orders, kind: read, connection: Shop, stream: orders }
  - { id: second, kind: read, connection: Shopp, stream: orders }
  - { id: check, kind: check, rules: [{ field: emial, is: email }] }
  - { id: again, kind: check, rules: [{ field: email, is: email }] }
  - { id: map, kind: map, fields: [{ to: number, from: order_no }, { to: net, formula: "NUMBER(total" }] }
  - { id: books, kind: write, connection: Books, sink: invoices, operation: upsert, match: [number] }
links:
  - { from: orders, to: check }
  - { from: check, to: again }
  - { from: again, to: map }
  - { from: map, to: again }
  - { from: map, to: books }
`;

test("a broken flow document is opened, each problem with its place and remedy", async () => {
  await page.goto(`${product.url}/flows`);
  await page
    .getByLabel("Flow document to import")
    .setInputFiles({ name: "broken.yaml", mimeType: "application/yaml", buffer: Buffer.from(broken) });
  await expect(page).toHaveURL(/\/flows\/[^/?]+$/);
  await page.getByRole("button", { name: /^Problems \d/ }).click();
  const problems = page.getByRole("region", { name: "Problems", exact: true });
  for (const said of [
    /Shopp · orders.* one step that starts it, and “orders” is one already\. Remove one of the two/,
    /Shopp · orders.* connection There is no connection “Shopp”\. Did you mean “Shop”\?/,
    /Check.* emial .*Did you mean “email”/,
    /cycle: again → map → again\. Records would never end\. Remove the link/,
    /Map.* net Expected \) to close NUMBER\( .*character 13 of the formula.*Add \)/,
  ])
    await expect(problems.getByRole("listitem").filter({ hasText: said })).toHaveCount(1);
  await expectAccessible(page, "a flow with many problems");
  // a problem leads to its place
  await problems.getByRole("button", { name: /^Go to Map ?: .*NUMBER/ }).click();
  await expect(page.getByRole("region", { name: "Mapper of Map" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Formula for net" })).toContainText("NUMBER(total");
  await page.getByRole("button", { name: "Done", exact: true }).click();
  await expect(stepCard(page, "Map")).toContainText("1 problem");
});

test("a file that is no flow document says what was expected", async () => {
  await page.goto(`${product.url}/flows`);
  await page
    .getByLabel("Flow document to import")
    .setInputFiles({ name: "list.yaml", mimeType: "application/yaml", buffer: Buffer.from("- just\n- a list\n") });
  await expect(page.getByRole("heading", { name: "“list.yaml” could not be imported" })).toBeVisible();
  await expect(page.getByText(/Expected a flow document with format, name, steps and links/).first()).toBeVisible();
});

test("a database that refuses the password is named, with what to do", async () => {
  const { items } = await call<{ items: { id: string; name: string }[] }>(product, "GET", "/connections");
  const id = items.find(({ name }) => name === "Shop")?.id;
  const { settings } = await call<{ settings: Record<string, unknown> }>(product, "GET", `/connections/${id}`);
  await page.goto(`${product.url}/connections?new=1`);
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /PostgreSQL/ })
    .click();
  const form = page.getByRole("dialog", { name: "Connect PostgreSQL" });
  await form.getByRole("textbox", { name: "Name" }).fill("Shop, wrong");
  for (const part of ["Host", "Port", "Database"])
    await form.getByRole("textbox", { name: part }).fill(String(settings[part.toLowerCase()]));
  await form.getByRole("textbox", { name: "User" }).fill("nobody");
  await form.getByLabel("Password").fill("wrong-secret-1");
  await form.getByRole("button", { name: "Connect and check" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /Shop, wrong/ })).toContainText("Refuses us");
  const said = page.getByRole("main").getByText(/127\.0\.0\.1:\d+ refused user "nobody" with the stored password\./);
  await expect(said).toContainText("Enter the right user and password under Connections.");
  await expect(page.getByRole("button", { name: "Open its settings" })).toBeVisible();
  await expectAccessible(page, "a connection that is refused");
  expect(await page.content()).not.toContain("wrong-secret-1");
});

test("a file in another encoding is named with line and byte, and mended in the settings", async () => {
  await page.goto(`${product.url}/connections`);
  await page.getByRole("link", { name: "Price lists" }).click();
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByRole("button", { name: /seldom needed/ }).click();
  await page.getByLabel("Encoding", { exact: true }).fill("utf-8");
  await page.getByRole("button", { name: "Save and check" }).click();
  await expect(page.getByRole("heading", { name: "“Price lists” is saved" })).toBeVisible();
  await page.getByRole("tab", { name: "Data" }).click();
  await expect(
    page.getByText(
      /^File "price-list\.csv", line 1: .* is not valid utf-8\. Set the encoding in the connection's settings/,
    ),
  ).toBeVisible();
  await expectAccessible(page, "a file that cannot be read");
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByRole("button", { name: /seldom needed/ }).click();
  await page.getByLabel("Encoding", { exact: true }).fill("auto");
  await page.getByRole("button", { name: "Save and check" }).click();
  await page.getByRole("tab", { name: "Data" }).click();
  await expect(page.getByRole("region", { name: "First rows of price-list.csv" })).toContainText("Desk lamp, small");
});
