/** What a connector's test brings to the contract suite: a real system, or a faithful fake of one, with a place in it. */
import type { Operation } from "../sdk/types.ts";

/**
 * The record of every contract test. All four are text, so that any system can hold them; `id` is its key, and
 * `changed_at` (ISO 8601, UTC) grows with each change.
 */
export type ContractRecord = { id: string; name: string; city: string; changed_at: string };

/** One collection of the system, made for one test. */
export type ContractPlace = {
  /** the stream's name as `streams()` gives it */
  stream: string;
  /** the sink's name as `sinks()` gives it; the same collection as the stream. Ignored when `can.write` is empty */
  sink: string;
  /** Everything the collection holds now, in any order, read without the connector. Sees only what is visible to everyone. */
  peek(): Promise<ContractRecord[]>;
  /** Changes one record behind the connector's back. */
  change(id: string, values: Partial<ContractRecord>): Promise<void>;
  /** Removes one record behind the connector's back. */
  remove(id: string): Promise<void>;
};

export type ContractSystem = {
  /** as a user would type them; go through the connector's own schemas */
  settings: unknown;
  credentials: unknown;
  /** texts that must never show in an error, an outcome or the session printed (the password) */
  secrets: string[];
  /** credentials the system refuses. Needed when `can.credentials` */
  badCredentials?: unknown;
  /** settings under which nobody answers (a closed port, a folder that is not there) */
  unreachable: unknown;
  /** the product's data folder, when the connector needs one */
  dataDir?: string;
  /** Makes a fresh collection that holds these records, and nothing else. */
  place(records: ContractRecord[]): Promise<ContractPlace>;
  /** Ends everything it began. */
  stop(): Promise<void>;
};

/** What the system can do. What it cannot is shown as a skipped test. */
export type ContractAbilities = {
  /** refuses wrong credentials */
  credentials: boolean;
  /** is reached over the network, so that the private network rule holds for it (the fixture's system is on loopback) */
  network: boolean;
  /** field that can be a watermark */
  watermark?: "changed_at";
  /** operations of its sinks; empty: reads only */
  write: Operation[];
  /** compares with what the target holds: outcomes `unchanged`, before-images, foresee, conflicts */
  readBack: boolean;
  undo: boolean;
  /** records of its streams can be looked up by `id`. Left out: they can only be read */
  find?: boolean;
  /** its streams can be followed as they change */
  watch?: boolean;
  /**
   * Makes of good values those of a record that the target refuses; `field` when the reason names one.
   * Left out: the system refuses nothing.
   */
  refused?: (good: ContractRecord) => { values: { [name: string]: string | null }; field?: keyof ContractRecord };
};

export type ContractFixture = {
  can: ContractAbilities;
  /** Starts the system; called once per suite. */
  start(): Promise<ContractSystem>;
};

/** `count` records `r0001`…, one changed per minute, with text that systems like to spoil. */
export function contractRecords(count: number, from = 1): ContractRecord[] {
  const names = [
    "Ana O'Neil",
    'Bo "Bee" Li',
    "Zoë Ångström",
    "Ünal; Çelik, 7",
    "雪 🚀",
    "a\\b/c",
    "  padded  ",
    "100 %",
  ];
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    return {
      id: `r${String(number).padStart(4, "0")}`,
      name: `${names[number % names.length]} ${number}`,
      city: number % 3 === 0 ? "Graz" : "Porto",
      changed_at: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString().replace(".000Z", "Z"),
    };
  });
}
