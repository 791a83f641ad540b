/** The worker one writes by hand for the benchmark of tiny runs: a job reads one record and upserts it. No history. */
import { run } from "graphile-worker";
import pg from "pg";

const pool = (url: string | undefined) => {
  const made = new pg.Pool({ connectionString: url ?? "", max: 10 });
  made.on("error", () => {});
  made.on("connect", (client) => void client.on("error", () => {}));
  return made;
};
const [queue, source, target] = [process.env.DATABASE_URL, process.env.SOURCE_URL, process.env.TARGET_URL].map(
  pool,
) as [pg.Pool, pg.Pool, pg.Pool];

await run({
  pgPool: queue,
  noHandleSignals: true,
  concurrency: 8,
  preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  taskList: {
    async tick() {
      const { rows } = await source.query({ name: "tick", text: "SELECT number FROM tick" });
      const { number } = rows[0] as { number: string };
      await target.query({
        name: "log",
        text: "INSERT INTO log VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET label = excluded.label",
        values: [number, `Tick ${number}`],
      });
    },
  },
});
console.log("The worker by hand is ready");
process.on("SIGTERM", () => process.exit(0));
