/** From the first visit to a flow without problems. */
import { expect } from "@playwright/test";
import {
  addFunction,
  canvasOf,
  choose,
  dragFromPalette,
  dropIntoLink,
  lineByKeys,
  pick,
  pullLine,
  pullLink,
  stepCard,
  targetRow,
  writeFormula,
} from "../draw.ts";
import { expectAccessible, keepPicture } from "../screens.ts";
import { closeDialog, type Story } from "./story.ts";

/** The first account, and what waits for its owner. */
export async function firstVisit(story: Story) {
  const { page, product } = story;
  await page.goto(product.url);
  await expect(page).toHaveURL(/\/setup$/);
  await expectAccessible(page, "the first account");
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByText("Choose a password of at least 10 characters.")).toBeVisible();
  await page.getByRole("textbox", { name: "Your name" }).fill("Ana Novak");
  await page.getByRole("textbox", { name: "E-mail" }).fill("ana@example.com");
  await page.getByLabel("Password").fill("correct-horse-9");
  await page.getByRole("textbox", { name: /^Company/ }).fill("Oak and Linen");
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^Good .*, Ana$/ })).toBeVisible();
  for (const name of ["Shop", "Books", "Price lists"])
    await expect(
      page.getByRole("main").getByRole("link", { name: new RegExp(`${name} .*see what it holds`) }),
    ).toBeVisible();
  await expectAccessible(page, "home, the first time");

  for (const part of ["shop", "books"] as const) {
    const rows = await product.query("postgres", "SELECT datname FROM pg_database WHERE datname LIKE $1", [
      `plumbline_${part}_%`,
    ]);
    expect(rows).toHaveLength(1);
    story.databases[part] = String(rows[0]?.datname);
  }
  expect(await story.count("shop", "orders")).toBe(5000);
  story.atFirst = await story.invoices();
  expect(story.atFirst).toHaveLength(25);
}

/** Brief, steps and links of a new flow. */
export async function drawFlow(story: Story) {
  const { page } = story;
  await page.getByRole("link", { name: "Draw the first flow" }).click();
  const brief = page.getByRole("dialog", { name: "New flow" });
  await brief.getByRole("textbox", { name: "Name" }).fill("Shop orders to accounting");
  const answers = {
    "What moves?": "Orders of the shop become invoices in the books",
    "In which direction?": "One-way",
    "What happens when something fails?": "The record waits under Failed; others go on",
    "Who watches it?": "ana@example.com",
    "How is it undone?": "Undo the run",
  };
  for (const [question, answer] of Object.entries(answers)) await brief.getByLabel(question).fill(answer);
  await brief.getByRole("button", { name: "Every day at 6:00" }).click();
  await expect(brief.getByLabel("When?")).toHaveValue("Every day at 6:00");
  await expectAccessible(page, "the brief of a new flow");
  await brief.getByRole("button", { name: "Draw the flow" }).click();
  await expect(page).toHaveURL(/\/flows\/[^/?]+$/);
  await expect(page.getByText("Nothing moves yet")).toBeVisible();

  await dragFromPalette(page, "Read Shop · orders", 150, 200);
  await expect(stepCard(page, "Shop · orders")).toContainText("all orders, every day at 06:00"); // as the brief says
  await choose(page, page.getByRole("complementary", { name: "Inspector" }), "When", /By hand/);
  // by keyboard: an entry of the palette goes behind the chosen step and is linked to it
  await page
    .getByRole("region", { name: "Palette" })
    .getByRole("button", { name: "Check", exact: true })
    .press("Enter");
  await expect(stepCard(page, "Check")).toBeVisible();
  await canvasOf(page).press("Escape");
  await dragFromPalette(page, "Map", 150, 560);
  await expect(stepCard(page, "Map")).toBeVisible();
  await canvasOf(page).press("Escape");
  await dragFromPalette(page, "Write Books · invoices", 480, 560);
  await expect(stepCard(page, "Books · invoices")).toBeVisible();
  await pullLink(page, "Check", "Map");
  await stepCard(page, "Map").press("l");
  await page.getByRole("dialog", { name: "Link “Map” to" }).getByRole("button", { name: "Books · invoices" }).click();
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(3);
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Arrange the steps" }).click();
  await expectAccessible(page, "the editor");

  // a step dropped on a link goes into it; removed, it leaves no gap
  await dropIntoLink(page, "Filter", "Check", "Map");
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(4);
  await page.getByRole("button", { name: "Remove the step" }).click();
  await expect(stepCard(page, "Filter")).toHaveCount(0);
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(3);
  await canvasOf(page).press("Control+z");
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(4);
  await canvasOf(page).press("Control+z");
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(3);
  // a link back is refused with words
  await pullLink(page, "Map", "Check");
  await expect(page.getByText("a link back would send records in a circle")).toBeVisible();
  await expect(canvasOf(page).locator(".react-flow__edge")).toHaveCount(3);
}

/** Lines, functions and formulas from field to field; problems on the way. */
export async function mapFields(story: Story) {
  const { page } = story;
  // only what changed since the last run
  await stepCard(page, "Shop · orders").click();
  const inspector = page.getByRole("complementary", { name: "Inspector" });
  await choose(page, inspector, "Which records", /Only those changed/);
  await expect(inspector.getByRole("combobox", { name: "Field that tells what changed" })).toHaveValue("updated_at");
  await stepCard(page, "Check").click();
  await inspector.getByRole("button", { name: "Add a rule" }).click();
  await pick(page, inspector, "Field of rule 1", "email");
  await choose(page, inspector, "Kind of rule 1", /is a kind of value/);
  await choose(page, inspector, "Kind of value of email", /e-mail address/);

  await stepCard(page, "Map").dblclick();
  const mapper = page.getByRole("region", { name: "Mapper of Map" });
  await expect(mapper.getByText("0 of 5 required")).toBeVisible();
  // real rows of the shop beside its fields
  const [first] = await story.shop(
    "SELECT order_no, customer_name, email, ordered_on, total FROM orders ORDER BY id LIMIT 1",
  );
  await expect(mapper.getByRole("list", { name: "Source fields" }).getByText(String(first?.order_no))).toBeVisible();
  await pullLine(page, "order_no", "number");
  await pullLine(page, "customer_name", "customer");
  await pullLine(page, "total", "net");
  await lineByKeys(page, "email", "email");
  await expect(targetRow(page, "number")).toContainText(String(first?.order_no));
  await addFunction(page, "customer", "trim", "Trim");
  await addFunction(page, "customer", "title", "Title case");
  await addFunction(page, "email", "lower", "Lower");
  // a text does not fit where money is kept
  await expect(targetRow(page, "net")).toContainText(/decimal.*text|text.*decimal/);
  await mapper.getByRole("button", { name: "Done" }).click();

  // problems stand on the step, and lead to the field
  await expect(stepCard(page, "Books · invoices")).toContainText("3 problems");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByRole("dialog", { name: /problems? to mend before it can be published/ })).toBeVisible();
  await closeDialog(story);
  await page.getByRole("button", { name: /^Problems / }).click();
  await expectAccessible(page, "the editor with problems");
  await page.getByRole("button", { name: /^Go to .*issued_on/ }).click();
  await expect(mapper).toBeVisible();
  await expectAccessible(page, "the mapper");

  await writeFormula(page, "net", 'NUMBER(SUBSTITUTE(total, ",", "."))');
  await writeFormula(page, "issued_on", 'PARSEDATE(ordered_on, ["yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy"])');
  await targetRow(page, "currency").getByRole("button", { name: "Edit currency" }).click();
  await pick(page, targetRow(page, "currency"), "Source field for currency", "currency");
  await targetRow(page, "currency").getByRole("button", { name: "Edit currency" }).click();
  await addFunction(page, "currency", "upper", "Upper");
  await expect(mapper.getByText("5 of 5 required")).toBeVisible();
  await expect(targetRow(page, "net")).toContainText(String(Number(first?.total)));
  await expect(targetRow(page, "issued_on")).toContainText(String(first?.ordered_on));
  await keepPicture(page, "mapper.png");
  await mapper.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("button", { name: "Problems 0" })).toBeVisible();

  // the chosen step's data, before and after
  await stepCard(page, "Map").click();
  await page.getByRole("button", { name: "Data", exact: true }).click();
  const data = page.getByRole("region", { name: "Data at the chosen step" });
  await expect(data).toContainText(String(first?.customer_name));
  await expect(data).toContainText("EUR");
}
