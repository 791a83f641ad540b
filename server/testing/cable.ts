import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";

/** What lies between the product and another system: it can be cut, and mended at the same port. It begins cut. */
export class Cable {
  readonly #to: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(url: string) {
    this.#to = new URL(url);
  }

  url(target: string): string {
    return Object.assign(new URL(target), { port: String(this.#port) }).href;
  }

  cut(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  async mend(): Promise<void> {
    if (this.#server) return;
    this.#server = createServer((socket) => {
      const far = createConnection(Number(this.#to.port || 5432), this.#to.hostname);
      for (const [one, other] of [
        [socket, far],
        [far, socket],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    }).listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }
}
