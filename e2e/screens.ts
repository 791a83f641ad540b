/** What every screen must keep: no accessibility violation in light and dark, nothing wider than the window. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { type Browser, type BrowserContext, expect, type Page } from "@playwright/test";
import { call, type Product, startProduct, until } from "./product.ts";

/** The account every visited product begins with. */
export const OWNER = { email: "ana@example.com", password: "correct-horse-9" };

export type Visit = {
  product: Product;
  context: BrowserContext;
  page: Page;
  /** errors that no code of the page caught, so far */
  crashes: Error[];
  end(): Promise<void>;
};

/**
 * Starts the product with its sample company, and opens it.
 *
 * @param name of the data folder
 * @returns the page where one signs in
 */
export async function visit(browser: Browser, name: string): Promise<Visit> {
  const product = await startProduct(name, {
    PLUMBLINE_OWNER_EMAIL: OWNER.email,
    PLUMBLINE_OWNER_PASSWORD: OWNER.password,
  });
  const context = await browser.newContext({ reducedMotion: "reduce", colorScheme: "light" });
  const page = await context.newPage();
  const crashes: Error[] = [];
  page.on("pageerror", (error) => crashes.push(error));
  await page.goto(product.url);
  return {
    product,
    context,
    page,
    crashes,
    async end() {
      await context.close();
      await product.stop();
    },
  };
}

/** Signs in as the owner. */
export async function signIn(page: Page, password = OWNER.password): Promise<void> {
  await page.getByRole("textbox", { name: "E-mail" }).fill(OWNER.email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The connections of the sample company, as soon as all of them are there. */
export async function sampleConnections(product: Product): Promise<{ id: string; name: string }[]> {
  return await until("the sample company", 60, async () => {
    const { items } = await call<{ items: { id: string; name: string }[] }>(product, "GET", "/connections");
    return items.length === 3 ? items : undefined;
  });
}

const images = fileURLToPath(new URL("../docs/images/", import.meta.url));

/**
 * Looks at the page as it is now with axe, in light and in dark, and leaves it in light.
 * @param name of the screen, for the message
 */
export async function expectAccessible(page: Page, name: string) {
  const found: string[] = [];
  for (const theme of ["dark", "light"]) {
    await page.evaluate((wanted) => {
      document.documentElement.dataset.theme = wanted;
    }, theme);
    const axe = new AxeBuilder({ page })
      .setLegacyMode(true) // there are no frames, so no second page is needed to gather their results
      .options({ resultTypes: ["violations"] })
      .exclude("tbody tr:nth-child(n+10)"); // rows like the ones above
    const { violations } = await axe.analyze();
    for (const { id, impact, help, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      const where = nodes.slice(0, 5).map(({ target, failureSummary }) => `    ${target.join(" ")}: ${failureSummary}`);
      found.push(`${name}, ${theme}: ${id} (${impact}), ${help}\n${where.join("\n")}`);
    }
  }
  expect(found, `axe violations of level serious or above on ${name}`).toEqual([]);
}

/** Nothing on the page may be reached only by scrolling sideways. */
export async function expectFitsWidth(page: Page, name: string) {
  const [content, window] = await page.evaluate(() => {
    const main = document.getElementById("page") ?? document.documentElement;
    return [Math.max(document.documentElement.scrollWidth, main.scrollWidth), document.documentElement.clientWidth];
  });
  expect(content, `width of ${name}, in a window of ${window} px`).toBeLessThanOrEqual(window as number);
}

/** Keeps a picture for docs/ when `UPDATE_PICTURES=1`; what is hovered or typed in is left as it is. */
export async function keepPicture(page: Page, file: string) {
  if (process.env.UPDATE_PICTURES !== "1") return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: `${images}${file}`, animations: "disabled", caret: "hide" });
}
