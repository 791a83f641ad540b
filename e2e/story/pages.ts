/** All other pages. */
import { expect } from "@playwright/test";
import { expectAccessible, expectFitsWidth } from "../screens.ts";
import type { Story } from "./story.ts";

/** Accessible, and no wider than a phone. */
export async function visitPages(story: Story) {
  const { page, product } = story;
  const flow = new URL(page.url()).pathname;
  for (const path of ["/", "/connections", "/settings", "/settings?part=people", "/settings?part=tokens", "/records"]) {
    await page.goto(product.url + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
    await expectAccessible(page, path);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/", "/runs", `/runs/${story.liveRun}`, "/failed", flow, "/flows", "/connections"]) {
    await page.goto(product.url + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
    await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
    await expectFitsWidth(page, path);
  }
  await expectAccessible(page, "a page on a phone");
}
