/** What a hand does in the editor: put steps on the canvas, link them, draw lines from field to field. */
import { expect, type Locator, type Page } from "@playwright/test";

export const canvasOf = (page: Page) => page.getByRole("group", { name: /^Canvas of / });
export const stepCard = (page: Page, title: string) => canvasOf(page).getByRole("group", { name: title, exact: true });

/** Drags an entry of the palette to a place on the canvas, in pixels from its left upper corner. */
export async function dragFromPalette(page: Page, entry: string, x: number, y: number) {
  await page
    .getByRole("region", { name: "Palette" })
    .getByRole("button", { name: entry, exact: true })
    .dragTo(canvasOf(page), { targetPosition: { x, y } });
}

/** Drags an entry of the palette into the link between two steps. */
export async function dropIntoLink(page: Page, entry: string, from: string, to: string) {
  const canvas = await canvasOf(page).boundingBox();
  const start = await middleOf(stepCard(page, from).locator(".react-flow__handle.source").first());
  const end = await middleOf(stepCard(page, to).getByTitle("Records arrive here"));
  if (!canvas) throw new Error("Expected to see the canvas.");
  await dragFromPalette(page, entry, (start.x + end.x) / 2 - canvas.x, (start.y + end.y) / 2 - canvas.y);
}

/** Pulls a link from one step's right port to another's left one. */
export async function pullLink(page: Page, from: string, to: string) {
  await drag(
    page,
    stepCard(page, from).locator(".react-flow__handle.source").first(),
    stepCard(page, to).getByTitle("Records arrive here"),
  );
}

/** Pulls a line in the mapper from the dot of a source field to a target field. */
export async function pullLine(page: Page, from: string, to: string) {
  await drag(page, page.getByRole("button", { name: `Draw a line from ${from}`, exact: true }), targetDot(page, to));
}

/** The same by keyboard: Enter on the dot of the source, Enter on the dot of the target. */
export async function lineByKeys(page: Page, from: string, to: string) {
  await page.getByRole("button", { name: `Draw a line from ${from}`, exact: true }).press("Enter");
  await expect(page.getByRole("status").filter({ hasText: `Choose the target for “${from}”` })).toBeVisible();
  await targetDot(page, to).press("Enter");
}

/** The row of a target field in the mapper. */
export const targetRow = (page: Page, to: string) =>
  page.getByRole("list", { name: "Target fields" }).getByRole("listitem", { name: to, exact: true });

const targetDot = (page: Page, to: string) =>
  targetRow(page, to).getByRole("button", { name: /^(Choose a source for|Change the source of) / });

/** Adds a function from the menu on a target's line, found by what is typed. */
export async function addFunction(page: Page, to: string, search: string, label: string) {
  await targetRow(page, to)
    .getByRole("button", { name: `Add a function on ${to}` })
    .click();
  const menu = page.getByRole("dialog", { name: `Add a function on ${to}` });
  await menu.getByRole("searchbox", { name: "Search functions" }).fill(search);
  await menu.getByRole("button", { name: label, exact: true }).click();
  await expect(menu).toBeHidden();
}

/** Writes a formula for a target field and closes its rule again. */
export async function writeFormula(page: Page, to: string, formula: string) {
  const row = targetRow(page, to);
  await row.getByRole("button", { name: `Edit ${to}` }).click();
  await row.getByRole("button", { name: "Formula", exact: true }).click();
  await row.getByRole("textbox", { name: `Formula for ${to}` }).fill(formula);
  await row.getByRole("button", { name: `Edit ${to}` }).click();
}

/** Chooses one value of a select box within `place`. */
export async function choose(page: Page, place: Locator | Page, box: string, option: string | RegExp) {
  await place.getByRole("combobox", { name: box, exact: true }).click();
  await page.getByRole("option", { name: option }).click();
}

/** Types into a combobox and takes the entry of that name. */
export async function pick(page: Page, place: Locator | Page, box: string, value: string) {
  await place.getByRole("combobox", { name: box, exact: true }).fill(value);
  await page.getByRole("option", { name: value }).first().click();
}

async function drag(page: Page, from: Locator, to: Locator) {
  await from.scrollIntoViewIfNeeded();
  const [start, end] = [await middleOf(from), await middleOf(to)];
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 6 });
  await page.mouse.move(end.x, end.y, { steps: 6 });
  await page.mouse.up();
}

async function middleOf(place: Locator) {
  const box = await place.boundingBox();
  if (!box) throw new Error(`Expected to see ${place}, found nothing there to take hold of.`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
