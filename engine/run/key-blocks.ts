/** Order by-key: which keys must wait while pages land. */
import type { RunPorts } from "../ports.ts";

/** Keys that must wait, of pages whose checkpoint may not be stored yet, and as the store knows them. */
export class Blocks {
  readonly #ports: RunPorts;
  readonly #pages: { number: number; keys: ReadonlySet<string> }[] = [];

  constructor(ports: RunPorts) {
    this.#ports = ports;
  }

  async of(keys: string[], orParked: boolean): Promise<Set<string>> {
    const blocked = await this.#ports.store.blocked(keys, orParked);
    for (const key of keys) if (this.#pages.some((page) => page.keys.has(key))) blocked.add(key);
    return blocked;
  }

  landed(number: number, keys: ReadonlySet<string>): void {
    while (this.#pages[0] && this.#pages[0].number < number - 2) this.#pages.shift();
    this.#pages.push({ number, keys });
  }
}
