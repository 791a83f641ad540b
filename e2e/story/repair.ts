/** What failed is mended and replayed. */
import { expect } from "@playwright/test";
import { stepCard, writeFormula } from "../draw.ts";
import { until } from "../product.ts";
import { expectAccessible, keepPicture } from "../screens.ts";
import { closeDialog, expectedCounts, publish, type Story } from "./story.ts";

/** One record is corrected, a group gets one value, another goes through a changed mapping. */
export async function mendFailed(story: Story) {
  const { page, product } = story;
  story.liveRun = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  await page.getByRole("link", { name: /Expected an e-mail address, found “…”/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Failed records" })).toBeVisible();
  const { failed } = await expectedCounts(story);
  await expect(page.getByText(`${failed} records could not be written, for 3 reasons.`)).toBeVisible();
  await expectAccessible(page, "failed records");
  await keepPicture(page, "failed.png");

  // one by one: what was refused stands first and is typed anew
  const spoilt = await story.shop("SELECT order_no, email FROM orders WHERE email LIKE '% at %' ORDER BY id");
  await expect(page.getByRole("heading", { level: 2, name: /Expected an e-mail address/ })).toBeVisible();
  const [one] = spoilt;
  await page.getByRole("button", { name: String(one?.order_no) }).click();
  const letter = page.getByRole("dialog", { name: new RegExp(`^${one?.order_no} could not pass “Check”`) });
  await expect(letter).toContainText(`found "${one?.email}"`);
  await expectAccessible(page, "a failed record");
  const mended = String(one?.email).replace(" at ", "@");
  await letter.getByRole("textbox", { name: "email" }).fill(mended);
  await letter.getByRole("button", { name: "Replay with 1 correction" }).click();
  const [invoice] = await until("the corrected record in the books", 30, async () => {
    const found = await story.books("SELECT email FROM invoices WHERE number = $1", [one?.order_no]);
    return found.length > 0 ? found : undefined;
  });
  expect(invoice?.email).toBe(mended.toLowerCase());

  // a group at once: every record gets the same value
  const nameless = await story.shop("SELECT order_no FROM orders WHERE email IS NULL");
  await page
    .getByRole("navigation", { name: "Reasons" })
    .getByRole("button", { name: /found nothing/ })
    .click();
  await expect(page.getByRole("heading", { level: 2, name: /found nothing/ })).toBeVisible();
  await page.getByRole("button", { name: "Set one field and replay…" }).click();
  const patch = page.getByRole("dialog", { name: /^Set one field of \d+ records and replay/ });
  await expect(patch.getByRole("combobox", { name: "Field" })).toHaveValue("email");
  await patch.getByRole("textbox", { name: "New value" }).fill("unknown@example.com");
  await expectAccessible(page, "a change of a group");
  await patch.getByRole("button", { name: /^Replay \d+ records$/ }).click();
  await until("the group in the books", 30, async () => {
    const found = await story.count("books", "invoices WHERE email = 'unknown@example.com'");
    return found === nameless.length ? found : undefined;
  });

  // another by its cause: the mapping is changed, and the records run through it again
  await page.goto(`${product.url}/flows`);
  const flow = page.getByRole("link", { name: "Shop orders to accounting" }).first();
  await expect(flow).toBeVisible();
  await expectAccessible(page, "the flows");
  await flow.click();
  await stepCard(page, "Map").dblclick();
  await writeFormula(page, "currency", 'IF(UPPER(currency) = "EURO", "EUR", UPPER(currency))');
  await page.getByRole("button", { name: "Done" }).click();
  await publish(story, 2, "EURO is EUR");
  await closeDialog(story);
  await page
    .getByRole("navigation", { name: "Pages" })
    .getByRole("link", { name: /^Failed/ })
    .click();
  await page
    .getByRole("navigation", { name: "Reasons" })
    .getByRole("button", { name: /currency/ })
    .click();
  await expect(page.getByRole("heading", { level: 2, name: /Expected at most/ })).toBeVisible();
  await page.getByRole("button", { name: "From where to replay" }).click();
  await page.getByRole("menuitem", { name: /^From the start/ }).click();
  await until("the orders in EURO in the books", 30, async () => {
    const found = await story.count("books", "invoices WHERE currency = 'EUR'");
    return found === (await story.count("books", "invoices")) && found > 5000 - spoilt.length ? found : undefined;
  });
  const left = spoilt.length - 1;
  await expect(page.getByText(`${left} records could not be written, for 1 reason.`)).toBeVisible();
  expect(await story.count("books", "invoices")).toBe(5000 - left);
}
