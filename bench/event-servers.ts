/**
 * The two servers of the webhook benchmark, each a process of its own: `product` is the product's HTTP server without the
 * pages; `raw` is what one writes by hand, one durable INSERT per request and no history. Prints its port when it listens: the
 * one named behind it, or a free one.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { getDatabase } from "../server/db/prisma.ts";
import { createApiServer } from "../server/http-server.ts";

const UPSERT = `INSERT INTO orders (external_id, customer, total, currency) VALUES ($1, $2, $3, 'EUR')
  ON CONFLICT (external_id) DO UPDATE SET customer = excluded.customer, total = excluded.total`;

function raw(): Server {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL ?? "", max: 32 });
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      const order = JSON.parse(Buffer.concat(chunks).toString());
      const total = Math.round(order.total * 119) / 100;
      await pool.query({
        name: "upsert",
        text: UPSERT,
        values: [order.id, order.customer.trim().toUpperCase(), total],
      });
      response.writeHead(202, { "content-type": "application/json" }).end('{"ok":true}');
    });
  });
}

const server = process.argv[2] === "raw" ? raw() : createApiServer(getDatabase()).server;
server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () =>
  console.log(`listening ${(server.address() as AddressInfo).port}`),
);
process.on("SIGTERM", () => process.exit(0));
