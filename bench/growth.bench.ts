/**
 * The same work with 1, 2 and 4 worker processes: one big run, which the workers share by stretches of its key, many small runs,
 * and one run into a slow HTTP target. Beside the throughput: what it costs in processor time, here and in PostgreSQL, what
 * is written to the WAL, what sessions wait for and how many there are: what the next limit is when workers are added on
 * other machines. PLUMBLINE_BENCH_ROWS sets the size of the big run (default 400000).
 */
import type { Cost } from "./cost.ts";
import { big, CREATES, LATENCY_MS, ROWS, SMALL_ROWS, SMALL_RUNS, seed, slow, small } from "./growth-work.ts";
import { median, ROUNDS, table, thousands } from "./harness.ts";

const WORKERS = [1, 2, 4];

type Kind = {
  title: string;
  unit: string;
  units: number;
  rows: number;
  source: number;
  run(workers: number): Promise<Cost>;
};
const kinds: Kind[] = [
  { title: `one run of ${thousands(ROWS)} rows`, unit: "rows/s", units: ROWS, rows: ROWS, source: ROWS, run: big },
  {
    title: `${SMALL_RUNS} runs of ${SMALL_ROWS} rows`,
    unit: "runs/s",
    units: SMALL_RUNS,
    rows: SMALL_RUNS * SMALL_ROWS,
    source: SMALL_ROWS,
    run: small,
  },
  {
    title: `one run of ${thousands(CREATES)} creates, ${LATENCY_MS} ms each`,
    unit: "creates/s",
    units: CREATES,
    rows: CREATES,
    source: CREATES,
    run: slow,
  },
];

const speeds: string[][] = [];
const costs: string[][] = [];
for (const { title, unit, units, rows, source, run } of kinds) {
  await seed(source);
  let alone = 0;
  for (const count of WORKERS) {
    // eight stretches (records that are sent one by one count 25 times); at 400 000 rows that is the product's own choice
    process.env.PLUMBLINE_STRETCH_ROWS = String(run === slow ? (CREATES / 8) * 25 : ROWS / 8);
    const rounds: Cost[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await run(count));
    const of = (value: (cost: Cost) => number) => median(rounds.map(value));
    const rate = units / of(({ seconds }) => seconds);
    if (count === 1) alone = rate;
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    speeds.push([title, String(count), `${thousands(rate)} ${unit}`, (rate / alone).toFixed(2)]);
    costs.push([
      title,
      String(count),
      Math.round((1e6 * of((cost) => cost.workerCpu)) / rows).toString(),
      Math.round((1e6 * of((cost) => cost.postgresCpu)) / rows).toString(),
      (of((cost) => cost.workerCpu + cost.postgresCpu) / of(({ seconds }) => seconds)).toFixed(1),
      Math.round((1e6 * of((cost) => cost.walMb)) / rows).toString(),
      percent(of(({ waits }) => waits.row)),
      percent(of(({ waits }) => waits.wal)),
      percent(of(({ waits }) => waits.other)),
      String(of(({ sessions }) => sessions)),
    ]);
    console.log([...(speeds.at(-1) ?? []), ...(costs.at(-1) ?? []).slice(2)].join("  "));
  }
}
table(["work", "workers", "throughput", "of one worker"], speeds, {
  title: "More workers",
  about:
    "The same work with 1, 2 and 4 worker processes, all of them on this one machine beside PostgreSQL, which also holds the source and the target.",
  limit:
    "The processors of this machine, where workers and PostgreSQL share them: the table below says what each needs. A slow target is another matter: workers wait for it side by side.",
});
table(
  [
    "work",
    "workers",
    "worker CPU, µs a row",
    "PostgreSQL CPU, µs a row",
    "processors busy",
    "WAL, bytes a row",
    "waits for rows",
    "for WAL",
    "for other things",
    "sessions",
  ],
  costs,
  {
    title: "What more workers need",
    about:
      "Processor time and WAL per row, of source, target, ledger and queue together; what sessions at work were waiting for when looked at every 25 ms; and the most sessions there were.",
  },
);
