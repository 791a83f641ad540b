/** What a change costs by hand: a listener that reads the changed row and upserts it into three tables; it keeps nothing else. */
import pg from "pg";

const [source, target] = [process.env.SOURCE_URL, process.env.TARGET_URL];
const listener = new pg.Client({ connectionString: source });
const reader = new pg.Pool({ connectionString: source, max: 4 });
const writer = new pg.Pool({ connectionString: target, max: 12 });
await listener.connect();
listener.on("notification", async ({ payload }) => {
  const { rows } = await reader.query({
    name: "row",
    text: "SELECT sku, level FROM stock WHERE id = $1",
    values: [payload],
  });
  const { sku, level } = rows[0];
  for (const table of ["amazon", "ebay", "shop"])
    void writer.query({
      name: `upsert-${table}`,
      text: `INSERT INTO ${table} (sku, level) VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET level = excluded.level`,
      values: [sku, level],
    });
});
await listener.query("LISTEN by_hand");
console.log("listening");
process.once("SIGTERM", () => process.exit(0));
