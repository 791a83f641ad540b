/**
 * Looks up records of other systems for the steps of one attempt: what was asked once is remembered, a page's keys go out
 * together, and a stream that cannot be asked for single records is read once, if it is small.
 */
import { failureOf, IntegrationError } from "../../connectors/sdk/errors.ts";
import { keyOfFields, pickFields } from "../../connectors/sdk/key-index.ts";
import type { ConnectorSession, JsonRecord } from "../../connectors/sdk/types.ts";
import type { FindForStep } from "../steps/define-step.ts";
import { PageInterrupted } from "./page.ts";
import { type BlipPorts, throughBlips } from "./retry.ts";

/** Keys remembered with what was found for them; the oldest are forgotten first. */
const MOST_REMEMBERED = 20_000;
/** Keys asked for at once. */
const MOST_KEYS = 2_000;
/** A stream that can only be read may hold so many records. */
const MOST_READ = 50_000;

export type FinderPorts = BlipPorts & {
  connection(name: string): Promise<{ session: Pick<ConnectorSession, "find" | "read"> }>;
};

type Answers = Map<string, JsonRecord[]>;

export class RecordFinder {
  readonly #ports: FinderPorts;
  /** by what is asked of whom: answers by key */
  readonly #remembered = new Map<string, Answers>();
  /** streams read as a whole, by what is asked of whom */
  readonly #whole = new Map<string, Answers>();

  constructor(ports: FinderPorts) {
    this.#ports = ports;
  }

  /**
   * What each key finds, in the order of `keys`.
   *
   * @throws PageInterrupted when the system cannot answer now or refuses us; it names the step and the connection
   */
  async find(request: FindForStep): Promise<JsonRecord[][]> {
    const { step, connection, stream, match, keys, fields } = request;
    const place = JSON.stringify([connection, stream, match, fields ?? null]);
    const names = keys.map((key) => keyOfFields(key, match));
    const whole = this.#whole.get(place);
    if (whole) return names.map((name) => (name === null ? [] : (whole.get(name) ?? [])));
    let remembered = this.#remembered.get(place);
    if (!remembered) {
      remembered = new Map();
      this.#remembered.set(place, remembered);
    }
    const answers: (JsonRecord[] | undefined)[] = names.map((name) => (name === null ? [] : remembered.get(name)));
    const open = [...answers.keys()].filter((index) => answers[index] === undefined);
    for (let from = 0; from < open.length; from += MOST_KEYS) {
      const part = open.slice(from, from + MOST_KEYS);
      const asked = { ...request, keys: part.map((index) => keys[index]!) };
      const found = await this.#patiently(step, connection, (session) => this.#ask(session, asked));
      if (found === null) {
        const read = await this.#patiently(step, connection, (session) => this.#readWhole(session, request));
        this.#whole.set(place, read);
        return names.map((name) => (name === null ? [] : (read.get(name) ?? [])));
      }
      for (const [at, index] of part.entries()) {
        answers[index] = found[at]!;
        remember(remembered, names[index]!, found[at]!);
      }
    }
    return answers.map((answer) => answer!);
  }

  async #ask(session: Pick<ConnectorSession, "find">, request: FindForStep): Promise<JsonRecord[][] | null> {
    const { stream, match, keys, fields } = request;
    const wanted = fields === undefined ? {} : { fields };
    const found = await session.find?.({ stream, match, keys, ...wanted, signal: this.#ports.signal });
    if (found && found.length !== keys.length)
      throw new Error(`Connector gave ${found.length} answers for ${keys.length} keys.`);
    return found ?? null;
  }

  async #readWhole(
    session: Pick<ConnectorSession, "read">,
    { connection, stream, match, fields }: FindForStep,
  ): Promise<Answers> {
    const read: Answers = new Map();
    let count = 0;
    const { signal } = this.#ports;
    for await (const { records } of session.read({ stream, cursor: null, pageSize: 1_000, signal })) {
      count += records.length;
      if (count > MOST_READ) throw tooLarge(connection, stream, match);
      for (const record of records) {
        const name = keyOfFields(record, match);
        if (name === null) continue;
        const list = read.get(name);
        if (list) list.push(pickFields(record, fields));
        else read.set(name, [pickFields(record, fields)]);
      }
    }
    return read;
  }

  /** Short troubles are waited for; anything else interrupts the page, so that nothing is lost. */
  async #patiently<T>(
    step: string,
    name: string,
    work: (session: Pick<ConnectorSession, "find" | "read">) => Promise<T>,
  ): Promise<T> {
    const { connection, signal } = this.#ports;
    try {
      return await throughBlips(this.#ports, async () => work((await connection(name)).session));
    } catch (error) {
      if (signal.aborted || !(error instanceof IntegrationError)) throw error;
      throw new PageInterrupted(step, name, failureOf(error));
    }
  }
}

function remember(answers: Answers, name: string, found: JsonRecord[]): void {
  for (const oldest of answers.keys()) {
    if (answers.size < MOST_REMEMBERED) break;
    answers.delete(oldest);
  }
  answers.set(name, found);
}

function tooLarge(connection: string, stream: string, match: string[]): IntegrationError {
  return new IntegrationError(
    `${connection} cannot be asked for single records of “${stream}” by ${match.join(", ")}, and it holds more than ${MOST_READ.toLocaleString("en")} records, too many to read for a lookup. Describe an address for single records in the connection's settings, or look up in a copy of the records in a database.`,
    { kind: "settings", code: "lookup-too-large" },
  );
}
