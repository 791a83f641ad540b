/** A person's own account: a session that ends in the middle of work, and a password that is changed. */
import { expect, type Page, test } from "@playwright/test";
import { call, type Product, until } from "./product.ts";
import { expectAccessible, OWNER, signIn, type Visit, visit } from "./screens.ts";

let visited: Visit | undefined;
let product: Product;
let page: Page;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(400_000);
  visited = await visit(browser, "account");
  ({ product, page } = visited);
  await signIn(page);
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
});
test.afterEach(() => expect(visited?.crashes).toEqual([]));
test.afterAll(() => visited?.end());

test("a session that ends while a flow is drawn keeps the draft, and the same person goes on", async () => {
  const { id } = await call<{ id: string }>(product, "POST", "/flows", {
    format: "plumbline/1",
    name: "Half drawn",
    steps: [],
    links: [],
  });
  await page.goto(`${product.url}/flows/${id}`);
  await expect(page.getByText("Nothing moves yet")).toBeVisible();
  await page.getByRole("textbox", { name: "Name of the flow" }).fill("Drawn while signed out");
  await page.context().clearCookies();
  await page.keyboard.press("Enter");
  const again = page.getByRole("alertdialog", { name: "You are signed out" });
  await expect(again).toContainText("What is on this screen is kept");
  await expect(again.getByLabel("Password")).toBeFocused();
  await expectAccessible(page, "signing in again");
  await again.getByLabel("Password").fill("not the password");
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(again.getByRole("alert")).toContainText("do not belong together");
  await again.getByLabel("Password").fill(OWNER.password);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(again).toBeHidden();
  await expect(page.getByRole("textbox", { name: "Name of the flow" })).toHaveValue("Drawn while signed out");
  await until("the draft on the server", 20, async () => {
    const { name } = await call<{ name: string }>(product, "GET", `/flows/${id}`);
    return name === "Drawn while signed out" ? true : undefined;
  });
});

test("without a network the page stays, and the search says why nothing is found", async () => {
  await page.goto(`${product.url}/flows`);
  await expect(page.getByRole("heading", { level: 1, name: "Flows" })).toBeVisible();
  await page.context().setOffline(true);
  await expect(page.getByText("Plumbline does not answer, so nothing here is up to date.")).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("SO-14235");
  await expect(page.getByText("The search got no answer.")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByText("This page stays until Plumbline answers again").first()).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "Flows" })).toBeVisible();
  await page.context().setOffline(false);
  await expect(page.getByText("Plumbline does not answer, so nothing here is up to date.")).toBeHidden();
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Runs" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Runs" })).toBeVisible();
});

test("the password is changed, which signs out elsewhere and is in the audit log", async ({ browser }) => {
  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(`${product.url}/runs`);
  await signIn(elsewhere);
  await expect(elsewhere.getByRole("heading", { level: 1, name: "Runs" })).toBeVisible();
  await page.goto(product.url);
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Your account" }).click();
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.getByText("Type the password you have now.")).toBeVisible();
  await expectAccessible(page, "the own account");
  const fill = async (now: string, next: string, again = next) => {
    await page.getByLabel("Password now").fill(now);
    await page.getByLabel("New password", { exact: true }).fill(next);
    await page.getByLabel("New password again").fill(again);
    await page.getByRole("button", { name: "Change the password" }).click();
  };
  await fill(OWNER.password, "battery-staple-7", "battery-staple-8");
  await expect(page.getByText("This differs from the new password.")).toBeVisible();
  await fill("not the password", "battery-staple-7");
  await expect(page.getByText("That is not your password of now.")).toBeVisible();
  await fill(OWNER.password, "battery-staple-7");
  await expect(page.getByText("Your password is changed", { exact: true })).toBeVisible();
  await expect(page.getByText("You are signed in only here.")).toBeVisible();
  await page.getByRole("tab", { name: "Audit log" }).click();
  await expect(page.getByRole("table").getByText("Changed their own password")).toBeVisible();
  await elsewhere.reload();
  await expect(elsewhere).toHaveURL(/\/sign-in/);
  await signIn(elsewhere);
  await expect(elsewhere.getByText("do not belong together")).toBeVisible();
  await signIn(elsewhere, "battery-staple-7");
  await expect(elsewhere.getByRole("heading", { level: 1, name: "Runs" })).toBeVisible();
  await elsewhere.context().close();
});
