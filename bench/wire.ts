/** One keep-alive connection to a server, spoken to by hand: the client must not use what is measured. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class Wire {
  readonly #socket: Socket;
  #answered: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => {
      const text = data.toString("latin1");
      if (!text.startsWith("HTTP/1.1 202")) this.#failed?.(new Error(`The server answered ${text.slice(0, 400)}`));
      else this.#answered?.();
    });
    socket.on("error", (error) => this.#failed?.(error));
  }

  static async to(port: number): Promise<Wire> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Wire(socket);
  }

  /** Resolves when the answer came. @param headers further lines, each with its line end @throws when it is not 202 */
  post(path: string, body: string, headers = ""): Promise<void> {
    return new Promise((answered, failed) => {
      this.#answered = answered;
      this.#failed = failed;
      const head = `POST ${path} HTTP/1.1\r\nhost: x\r\n${headers}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
      this.#socket.write(head + body);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Posts `count` bodies over several connections, each as fast as it is answered. */
  static async flood(
    port: number,
    { connections, count, post }: { connections: number; count: number; post(wire: Wire, n: number): Promise<void> },
  ): Promise<void> {
    const wires = await Promise.all(Array.from({ length: connections }, () => Wire.to(port)));
    let next = 0;
    await Promise.all(
      wires.map(async (wire) => {
        while (next < count) await post(wire, next++);
      }),
    );
    for (const wire of wires) wire.close();
  }
}
