import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { expect, test } from "vitest";
import { gather } from "./gather.ts";

test("what is written in one turn goes out at its end, whole and in order", async () => {
  const heard: Buffer[] = [];
  const server = createServer((client) => client.on("data", (data) => heard.push(data)).on("end", () => client.end()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = new Socket();
  socket.connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  gather(socket);
  const large = "x".repeat(3_000_000);
  for (const texts of [["a", "b", "c"], [large, "d"], ["e"]]) {
    for (const text of texts) socket.write(text);
    expect(socket.writableLength).toBeGreaterThanOrEqual(texts.join("").length); // nothing of it has left yet
    socket.cork(); // as the driver does around the messages of one statement
    socket.write(";");
    socket.uncork();
    expect(socket.writableCorked).toBe(1);
    await new Promise((done) => setImmediate(done));
    expect(socket.writableCorked).toBe(0);
  }
  socket.end("last");
  await once(socket, "close");
  server.close();
  expect(Buffer.concat(heard).toString()).toBe(`abc;${large}d;e;last`);
});
