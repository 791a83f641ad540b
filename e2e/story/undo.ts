/** Runs are undone; the next one comes by itself. */
import { expect } from "@playwright/test";
import { choose, stepCard } from "../draw.ts";
import { call } from "../product.ts";
import { expectAccessible, keepPicture } from "../screens.ts";
import { closeDialog, publish, type Story } from "./story.ts";

type RunItem = { id: string; kind: string; mode: string; state: string };
/** Runs of the product, newest first, as its public interface tells them. */
const runs = async ({ product }: Story) => (await call<{ items: RunItem[] }>(product, "GET", "/runs")).items;

/** An invoice that somebody changes by hand before the undo. */
const byHand = "SO-14000";

/** All runs are undone; what somebody changed since stays. */
export async function undoRuns(story: Story) {
  const { page, product } = story;
  const [hand] = await story.books("UPDATE invoices SET net = net + 1 WHERE number = $1 RETURNING net", [byHand]);
  const replays = (await runs(story)).filter(({ kind }) => kind === "replay");
  expect(replays).toHaveLength(3);
  for (const { id } of replays) {
    await page.goto(`${product.url}/runs/${id}`);
    await page.getByRole("button", { name: "Undo…" }).click();
    const dialog = page.getByRole("dialog", { name: `Undo run ${id}` });
    await expect(dialog.getByText("Nobody changed these records since.")).toBeVisible();
    await dialog.getByRole("button", { name: /^Put back \d+ records?$/ }).click();
    await expect(page.getByRole("heading", { level: 1, name: new RegExp(`^Undo \\d+ of run ${id}`) })).toContainText(
      "Done",
    );
  }
  await page.goto(`${product.url}/runs/${story.liveRun}`);
  await page.getByRole("button", { name: "Undo…" }).click();
  const dialog = page.getByRole("dialog", { name: `Undo run ${story.liveRun}` });
  await expect(dialog.getByText(/go back to what they were; 1 was changed since and stays\.$/)).toBeVisible();
  const stays = dialog.getByRole("region", { name: "What stays as it is" });
  await expect(stays.getByRole("row", { name: new RegExp(byHand) })).toContainText(String(hand?.net));
  await expect(stays).toContainText("Somebody changed it since");
  await expectAccessible(page, "the preview of an undo");
  await keepPicture(page, "undo.png");
  expect(await story.count("books", "invoices")).toBeGreaterThan(4000);
  await dialog.getByRole("button", { name: /^Put back/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Undo/ })).toContainText("Done, some stayed");
  await expectAccessible(page, "an undo");
  const now = await story.invoices();
  expect(now.filter(({ number }) => number !== byHand)).toEqual(story.atFirst);
  expect(now.find(({ number }) => number === byHand)?.net).toBe(hand?.net);
}

/** A run on schedule writes only what changed. */
export async function runOnSchedule(story: Story) {
  const { page, product } = story;
  const changed = await story.shop(
    `UPDATE orders SET customer_name = '  changed name '
     WHERE id IN (SELECT id FROM orders WHERE email LIKE '%@%' AND id > 2000 ORDER BY id LIMIT 2) RETURNING order_no`,
  );
  expect(changed).toHaveLength(2);
  await page.goto(`${product.url}/flows`);
  await page.getByRole("link", { name: "Shop orders to accounting" }).first().click();
  await stepCard(page, "Shop · orders").click();
  const inspector = page.getByRole("complementary", { name: "Inspector" });
  await choose(page, inspector, "When", /Every so often/);
  await inspector.getByRole("textbox", { name: "Every how many" }).fill("2");
  await choose(page, inspector, "Unit of time", "seconds");
  await expect(stepCard(page, "Shop · orders")).toContainText("every 2 seconds");
  const since = new Date();
  await publish(story, 3, "Every two seconds");
  await closeDialog(story);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Runs" }).click();
  await expect(page.getByRole("row").filter({ hasText: "on schedule" }).nth(1)).toBeVisible();
  await expectAccessible(page, "the runs");
  await page.getByRole("row").filter({ hasText: "on schedule" }).last().getByRole("link").first().click();
  await expect(page.getByText("2 orders read. 2 written.")).toBeVisible();
  const now = await story.invoices();
  const scheduled = changed.map(({ order_no }) => order_no);
  expect(now.filter(({ number }) => number !== byHand && !scheduled.includes(number))).toEqual(story.atFirst);
  expect(now.filter(({ number }) => scheduled.includes(number))).toEqual([
    expect.objectContaining({ customer: "Changed Name" }),
    expect.objectContaining({ customer: "Changed Name" }),
  ]);
  await page.getByRole("link", { name: "Shop orders to accounting" }).first().click();
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Stop…" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Stop the flow" }).click();
  await expect(page.getByText("Stopped", { exact: true })).toBeVisible();
  await undoSince(story, since);
}

/** All that the flow did since a moment goes back at once. */
async function undoSince(story: Story, since: Date) {
  const { page } = story;
  const ended = ({ state }: RunItem) => !["queued", "running", "waiting"].includes(state);
  await expect.poll(async () => (await runs(story)).every(ended)).toBe(true);
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Undo everything since…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Undo everything “Shop orders to accounting” did since/ });
  // the browser's zone is another one
  const local = await page.evaluate((at) => new Date(at).toLocaleString("sv-SE").replace(" ", "T"), since.getTime());
  await dialog.getByLabel("All runs that began since").fill(local);
  await expect(dialog.getByText(/^\d+ runs?: Run \d+/)).toBeVisible();
  await dialog.getByRole("button", { name: "See what goes back" }).click();
  await expect(dialog.getByText("2 invoices go back to what they were.")).toBeVisible();
  await expectAccessible(page, "the preview of an undo since a moment");
  await dialog.getByRole("button", { name: "Put back 2 invoices" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Undo \d+ of all runs since / })).toContainText("Done");
  const now = await story.invoices();
  expect(now.filter(({ number }) => number !== byHand)).toEqual(story.atFirst);
}
