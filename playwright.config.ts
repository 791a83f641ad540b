import { defineConfig } from "@playwright/test";

/** Browser tests drive the whole product: each spec file starts its own with `npm start`'s script, in an empty data folder. */
export default defineConfig({
  testDir: "e2e",
  timeout: 180_000,
  expect: { timeout: 15_000 },
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    headless: true,
    actionTimeout: 20_000,
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: process.env.E2E_CHROME,
      args: process.env.E2E_CHROME_ARGS ? JSON.parse(process.env.E2E_CHROME_ARGS) : ["--no-sandbox"],
    },
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
});
