/** What every screen must keep: no accessibility violation in light and dark, nothing wider than the window. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

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
    if (theme === "dark") axe.withRules(["color-contrast", "link-in-text-block"]); // only colours differ
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
