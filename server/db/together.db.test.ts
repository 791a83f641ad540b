import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { sideBySide, together } from "./together.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("together");
  await database.pool.query("CREATE TABLE number (n int PRIMARY KEY CHECK (n >= 0))");
});
afterAll(() => database.drop());

let groups: number[][] = [];
beforeEach(async () => {
  groups = [];
  await database.pool.query("TRUNCATE number");
});

/** Stores numbers; the answer to each is its double. */
const store = together<number, number>({
  most: 5,
  async work(lanes, numbers) {
    groups.push(numbers);
    const { rows } = await lanes.query<{ n: number }>({
      name: "store-numbers",
      text: "INSERT INTO number SELECT unnest($1::int[]) RETURNING n",
      values: [numbers],
    });
    const stored = new Set(rows.map(({ n }) => n));
    return numbers.map((n) => (stored.has(n) ? 2 * n : -1));
  },
});
const stored = async () => (await database.pool.query("SELECT n FROM number ORDER BY n")).rows.map(({ n }) => n);

/** As so many runs that each work for some turns of the event loop, then store their number. */
const runs = (numbers: number[], turns: (n: number) => number) =>
  Promise.allSettled(
    numbers.map((n) =>
      sideBySide(async () => {
        for (let turn = 0; turn < turns(n); turn++) await new Promise((done) => setImmediate(done));
        return await store(database.pool, n);
      }),
    ),
  );

it("what runs store at about the same time goes in one statement, and each gets its own answer", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] }); // the time for company never passes
  try {
    const answers = await runs([1, 2, 3], (n) => n);
    expect(answers.map((answer) => answer.status === "fulfilled" && answer.value)).toEqual([2, 4, 6]);
    expect(groups).toEqual([[1, 2, 3]]);
    expect(await stored()).toEqual([1, 2, 3]);
  } finally {
    vi.useRealTimers();
  }
});

it("a group is no larger than it may be", async () => {
  await runs([1, 2, 3, 4, 5, 6, 7], () => 0);
  expect(groups.map(({ length }) => length)).toEqual([5, 2]);
});

it("a run that is alone at work waits for nobody", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] }); // the time for company never passes
  try {
    expect(await sideBySide(() => store(database.pool, 1))).toBe(2);
    expect(await store(database.pool, 2)).toBe(4);
    expect(groups).toEqual([[1], [2]]);
  } finally {
    vi.useRealTimers();
  }
});

it("a run that works for long is not waited for", async () => {
  let end = () => {};
  const long = sideBySide(
    () =>
      new Promise<void>((done) => {
        end = done;
      }),
  );
  const answer = await sideBySide(() => store(database.pool, 7));
  expect(answer).toBe(14);
  end();
  await long;
});

it("what the database refuses of one costs the others nothing", async () => {
  const answers = await runs([1, -5, 3], () => 0);
  expect(groups).toEqual([[1, -5, 3], [1], [-5], [3]]);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await stored()).toEqual([1, 3]);
});

it("when the connection breaks, everyone in the group is told, and nobody is done twice", async () => {
  const broken = together<number, number>({
    most: 5,
    async work(lanes, numbers) {
      groups.push(numbers);
      await lanes.query("SELECT pg_terminate_backend(pg_backend_pid())");
      return numbers;
    },
  });
  const answers = await Promise.allSettled([1, 2].map((n) => sideBySide(() => broken(database.pool, n))));
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(groups).toEqual([[1, 2]]);
  expect(await store(database.pool, 9)).toBe(18); // the lanes go on
});
