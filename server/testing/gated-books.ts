/** A system for invoices over HTTP whose answers a test can hold back, lose or refuse. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type GatedBooks = {
  url: string;
  /** numbers of the invoices taken, in order, also those whose answer is held back */
  taken: string[];
  /** questions whose answer is held back now */
  held(): number;
  /** what becomes of requests from now on. `hold`: taken, and answered by `release`; `lose`: taken, and cut off */
  reads: "answer" | "hold" | "refuse";
  writes: "answer" | "hold" | "lose" | "refuse";
  /** called when an invoice was taken, before it is answered */
  onTaken: () => void;
  /** as if it had never arrived */
  forget(number: string): void;
  /** answers what is held back */
  release(): void;
  close(): Promise<void>;
};

export async function gatedBooks(): Promise<GatedBooks> {
  let waiting: (() => void)[] = [];
  const known = new Map<string, string>();
  const books: GatedBooks = {
    url: "",
    taken: [],
    held: () => waiting.length,
    reads: "answer",
    writes: "answer",
    onTaken() {},
    forget: (number) => void known.delete(number),
    release() {
      for (const answer of waiting.splice(0)) answer();
    },
    async close() {
      waiting = [];
      server.close();
      server.closeAllConnections();
    },
  };
  /** busy for longer than anybody waits within a batch */
  const busy = (response: ServerResponse) => response.writeHead(503, { "retry-after": "3600" }).end();
  const json = (response: ServerResponse, status: number, body: string) =>
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  const read = (response: ServerResponse, number: string) => {
    const answer = () => json(response, known.has(number) ? 200 : 404, known.get(number) ?? "{}");
    if (books.reads === "refuse") busy(response);
    else if (books.reads === "hold") waiting.push(answer);
    else answer();
  };
  const write = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (books.writes === "refuse") return busy(response);
    const body = Buffer.concat(chunks).toString();
    const number = String(JSON.parse(body).number);
    books.taken.push(number);
    known.set(number, body);
    const how = books.writes;
    books.onTaken();
    if (how === "lose") return request.socket.destroy();
    const answer = () => json(response, 201, body);
    if (how === "hold") waiting.push(answer);
    else answer();
  };
  const server = createServer((request, response) => {
    if (request.method === "POST") void write(request, response);
    else if (!request.url?.startsWith("/invoices/"))
      json(response, 200, "{}"); // it is up
    else read(response, decodeURIComponent(request.url.slice("/invoices/".length)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  books.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return books;
}
