import { defineConfig } from "vitest/config";

/** Two projects: unit tests sit beside the code and need nothing; integration tests (`*.db.test.ts`) need a real PostgreSQL. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          // property tests take long on a busy machine; a test that hangs still ends
          testTimeout: 30_000,
          include: ["{engine,connectors,server,worker,components,app,scripts}/**/*.test.{ts,tsx}"],
          exclude: ["**/*.db.test.ts", "**/node_modules/**"],
        },
      },
      {
        test: {
          name: "integration",
          include: ["{engine,connectors,server,worker,bench,scripts}/**/*.db.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
