/** Fills a new workspace with a sample company, so that the first flow can be drawn at once, on real databases. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { createConnection } from "../connections/change-connections.ts";
import { checkConnection } from "../connections/check-connection.ts";
import { type ServerContext, systemContext } from "../context.ts";
import type { Db } from "../db/prisma.ts";
import { log } from "../log.ts";
import { type Product, sampleData } from "./data.ts";
import { makeSampleDatabases, type SampleDatabase } from "./databases.ts";
import { sampleIsPossible } from "./sample-state.ts";

/** Latin-1 with semicolons and decimal commas: what spreadsheets of that region save. */
export function priceList(products: Product[]): Buffer {
  const rows = products.map(({ sku, title, price, stock }) =>
    [sku, `"${title}"`, price.replace(".", ","), String(stock)].join(";"),
  );
  return Buffer.from(`${["Artikel;Bezeichnung;Preis;Bestand für Verkauf", ...rows].join("\r\n")}\r\n`, "latin1");
}

/**
 * Creates shop, books and the drop folder with a connection each. Does nothing when the workspace has connections of these
 * names already. Where this server lets us create no databases, the workspace stays empty and the log says why.
 */
export async function createSampleCompany(base: { db: Db; pool: pg.Pool }, workspaceId: string): Promise<void> {
  const ours = sampleIsPossible();
  if (!ours.possible) {
    if (ours.why !== null) log.info(ours.why);
    return;
  }
  const ctx = systemContext(base, workspaceId);
  const workspace = await ctx.db.workspace.findUnique({ where: { id: workspaceId } });
  if (!workspace || (await ctx.db.connection.count({ where: { workspaceId, name: { in: ["Shop", "Books"] } } })) > 0)
    return;
  const data = sampleData(new Date());
  let databases: { shop: SampleDatabase; books: SampleDatabase };
  try {
    databases = await makeSampleDatabases(ours.adminUrl, workspaceId, data);
  } catch (error) {
    log.warn(
      `No sample company: its databases could not be created (${error instanceof Error ? error.message : String(error)}).`,
    );
    return;
  }
  const shop = await connect(ctx, "Shop", databases.shop);
  const books = await connect(ctx, "Books", databases.books);
  const drop = await dropFolder(ctx, workspaceId, data.products);
  const sample = { shop, books, ...(drop ? { drop } : {}) };
  await ctx.db.workspace.update({
    where: { id: workspaceId },
    data: { settings: { ...(workspace.settings as object), sample } },
  });
  log.info(`Sample company of workspace ${workspaceId} is ready`);
}

async function connect(
  ctx: ServerContext,
  name: string,
  { user, password, ...settings }: SampleDatabase,
): Promise<string> {
  const { id } = await createConnection(ctx, {
    name,
    connector: "postgres",
    settings,
    credentials: { user, password },
  });
  await checkConnection(ctx, { id });
  return id;
}

async function dropFolder(ctx: ServerContext, workspaceId: string, products: Product[]): Promise<string | null> {
  const dataDir = process.env.PLUMBLINE_DATA_DIR;
  if (!dataDir) return null;
  const folder = join("files", workspaceId, "drop");
  await mkdir(join(dataDir, folder), { recursive: true });
  await writeFile(join(dataDir, folder, "price-list.csv"), priceList(products));
  const { id } = await createConnection(ctx, { name: "Price lists", connector: "csv", settings: { folder } });
  await checkConnection(ctx, { id });
  return id;
}

/** The embedded server may listen on another port after a restart: the sample connections follow it. */
export async function followSampleServer({ db }: { db: Db }): Promise<void> {
  const adminUrl = process.env.PLUMBLINE_SAMPLE_DATABASE_URL;
  if (!adminUrl) return;
  const { hostname, port } = new URL(adminUrl);
  await db.$executeRaw`
    UPDATE connection c SET settings = c.settings || jsonb_build_object('host', ${hostname}::text, 'port', ${Number(port || 5432)}::int)
    FROM workspace w WHERE c.workspace_id = w.id AND c.id IN (w.settings->'sample'->>'shop', w.settings->'sample'->>'books')
      AND (c.settings->>'port')::int IS DISTINCT FROM ${Number(port || 5432)}::int`;
}
