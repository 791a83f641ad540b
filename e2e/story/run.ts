/** The flow is tried, published and run. */
import { expect } from "@playwright/test";
import { stepCard } from "../draw.ts";
import { expectAccessible, keepPicture } from "../screens.ts";
import { aNewOrder, balance, expectedCounts, plain, type Story, sum } from "./story.ts";

/** What would be, field by field; nothing is written. */
export async function tryIt(story: Story) {
  const { page } = story;
  await page.getByRole("button", { name: "How many records to try" }).click();
  await page.getByRole("menuitem", { name: "Try all records" }).click();
  await page.getByRole("link", { name: "See what would change" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Dry run/ })).toContainText("Tried");
  await expect(page.getByText("It wrote nothing anywhere")).toBeVisible();
  const expected = await expectedCounts(story);
  const counts = await balance(story);
  expect(counts).toMatchObject({ read: 5000, "would be created": expected.created, "would fail": expected.failed });
  expect(sum(counts["would be updated"], counts.unchanged)).toBe(expected.inBooks);
  await expect(page.getByRole("region", { name: "What would fail, by reason" })).toContainText(
    "Expected an e-mail address",
  );
  // one that would be new, with a comma in its price, and what would become of those that are there
  const [order] = await story.shop(aNewOrder);
  await page.getByRole("searchbox", { name: "Search key or value" }).fill(String(order?.order_no));
  await page.getByRole("button", { name: `${order?.order_no}, would be created` }).click();
  const changes = page.getByRole("region", { name: "Changes" });
  await expect(changes.getByRole("row").filter({ has: page.getByText("net", { exact: true }) })).toContainText(
    String(order?.total).replace(",", "."),
  );
  await page.getByRole("button", { name: "Clear the search" }).click();
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "Updated" }).click();
  await expect(changes.getByText("would be updated")).toHaveCount(counts["would be updated"] ?? 0);
  await expect(changes.getByRole("img", { name: "became" }).first()).toBeVisible();
  await expectAccessible(page, "a dry run");
  await page.getByRole("heading", { level: 1 }).scrollIntoViewIfNeeded();
  await keepPicture(page, "dry-run.png");
  expect(await story.invoices()).toEqual(story.atFirst);
}

/** Counts move while it runs, and add up when it is done. */
export async function publishAndRun(story: Story) {
  const { page, product } = story;
  await page.getByRole("link", { name: "Open the draft" }).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Publish version 1" });
  await dialog.getByRole("button", { name: "Publish" }).click();
  await expect(dialog.getByText("Say in a few words what changed.")).toBeVisible();
  await dialog.getByRole("textbox", { name: "Note" }).fill("Orders become invoices");
  await dialog.getByRole("button", { name: "Publish" }).click();

  // somebody else holds one invoice for a moment: the run stops in the middle, where its counts can be seen
  const other = await product.connect(story.databases.books);
  await other.query("BEGIN");
  await other.query(
    "INSERT INTO invoices (number, customer, issued_on, net, currency) VALUES ('SO-13500', 'x', now(), 1, 'EUR')",
  );
  await page.getByRole("dialog").getByRole("button", { name: "Run now" }).click();
  const read = async () =>
    Number(/(\d+) read/.exec(plain((await stepCard(page, "Shop · orders").textContent()) ?? ""))?.[1] ?? 0);
  await expect(page.getByRole("region", { name: "Last run", exact: true })).toContainText("Running");
  await expect.poll(async () => Math.sign(await read()) * Math.sign(5000 - (await read()))).toBe(1);
  await other.query("ROLLBACK");
  await other.end();
  await expect.poll(read, { timeout: 30_000 }).toBe(5000);
  await expect(page.getByRole("region", { name: "Last run", exact: true })).toContainText("Done, some failed");
  await stepCard(page, "Map").click();
  await keepPicture(page, "editor.png");

  await page.getByRole("link", { name: "Open the run" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Run \d+/ })).toContainText("Done, some failed");
  const expected = await expectedCounts(story);
  const { read: all, ...outcomes } = await balance(story);
  expect(all).toBe(5000);
  expect(outcomes).toMatchObject({ created: expected.created, failed: expected.failed });
  expect(sum(...Object.values(outcomes))).toBe(5000);
  const now = await story.invoices();
  expect(now).toHaveLength(story.atFirst.length + expected.created);
  const before = new Map(story.atFirst.map((invoice) => [invoice.number, invoice]));
  const different = now.filter(({ number, ...rest }) => {
    const { number: _, ...old } = before.get(number) ?? {};
    return before.has(number) && JSON.stringify(old) !== JSON.stringify(rest);
  });
  expect(outcomes.updated).toBe(different.length);
  const [order] = await story.shop(aNewOrder);
  expect((await story.books("SELECT * FROM invoices WHERE number = $1", [order?.order_no]))[0]).toMatchObject({
    net: String(order?.total).replace(",", "."),
    currency: "EUR",
    email: String(order?.email).toLowerCase(),
  });
  await expectAccessible(page, "a run");
}
