import { defineConfig } from "prisma/config";

/** For the Prisma CLI only; the product applies `prisma/migrations` itself (scripts/migrate.mjs). */
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres" },
});
