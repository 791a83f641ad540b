/** What work costs while it goes on: processor time, WAL, what sessions wait for. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import pg from "pg";
import { adminUrl, type Measured } from "./harness.ts";

/** Processor time of all processes of the server in seconds, those that have ended included; NaN where it cannot be told. */
function postgresCpu(postmaster: number): number {
  const times = (pid: string | number) => {
    const file = `/proc/${pid}/stat`;
    if (!existsSync(file)) return undefined;
    const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
    return {
      parent: Number(fields[1]),
      own: Number(fields[11]) + Number(fields[12]),
      ended: Number(fields[13]) + Number(fields[14]),
    };
  };
  const all = times(postmaster);
  if (!all) return Number.NaN;
  let ticks = all.own + all.ended;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const one = times(pid);
    if (one?.parent === postmaster) ticks += one.own;
  }
  return ticks / 100;
}

function processCpu(pid: number | undefined): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return Number.NaN;
  const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export type Cost = {
  seconds: number;
  workerCpu: number;
  postgresCpu: number;
  walMb: number;
  /** share of looks at sessions at work that found them waiting for a row, for the WAL, or for anything else */
  waits: { row: number; wal: number; other: number };
  sessions: number;
};

/** Watches server and workers while `work` goes on. */
export async function watched(workers: Measured[], work: () => Promise<void>): Promise<Cost> {
  const admin = new pg.Client({ connectionString: adminUrl(), application_name: "bench" });
  await admin.connect();
  const own = (await admin.query("SELECT pg_backend_pid() AS pid")).rows[0].pid as number;
  const status = `/proc/${own}/stat`;
  const postmaster = existsSync(status) ? Number(readFileSync(status, "utf8").split(") ")[1]?.split(" ")[1]) : -1;
  const wal = async () => (await admin.query("SELECT pg_current_wal_insert_lsn() - '0/0' AS at")).rows[0].at as string;
  const cpu = () => workers.reduce((sum, { child }) => sum + processCpu(child.pid), 0);
  const looks = { all: 0, row: 0, wal: 0, other: 0 };
  let sessions = 0;
  let over = false;
  const looking = (async () => {
    while (!over) {
      const { rows } = await admin.query(
        `SELECT count(*)::int AS sessions, count(*) FILTER (WHERE state = 'active')::int AS active,
           count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock')::int AS row,
           count(*) FILTER (WHERE state = 'active' AND wait_event ILIKE '%wal%')::int AS wal,
           count(*) FILTER (WHERE state = 'active' AND wait_event IS NOT NULL AND wait_event_type NOT IN ('Lock', 'Client') AND wait_event NOT ILIKE '%wal%')::int AS other
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'bench'`,
      );
      const look = rows[0];
      looks.all += look.active;
      for (const kind of ["row", "wal", "other"] as const) looks[kind] += look[kind];
      sessions = Math.max(sessions, look.sessions);
      await new Promise((done) => setTimeout(done, 25));
    }
  })();
  const before = { wal: await wal(), workers: cpu(), postgres: postgresCpu(postmaster) };
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  over = true;
  await looking;
  const walMb = (Number(await wal()) - Number(before.wal)) / 1e6;
  const cost = { workerCpu: cpu() - before.workers, postgresCpu: postgresCpu(postmaster) - before.postgres };
  await admin.end();
  const share = (count: number) => (looks.all === 0 ? 0 : count / looks.all);
  const waits = { row: share(looks.row), wal: share(looks.wal), other: share(looks.other) };
  return { seconds, ...cost, walMb, waits, sessions };
}
