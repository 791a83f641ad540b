import { createServer, type Server } from "node:net";
import { afterEach, expect, it } from "vitest";
import { choosePort, parsePort, urlFor } from "./ports.mjs";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

function occupy(host: string): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    open.push(server);
    server.listen(0, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}

it("takes the next free port when the wanted one is taken", async () => {
  const taken = await occupy("127.0.0.1");
  expect(await choosePort("127.0.0.1", taken)).toBeGreaterThan(taken);
});

it("also sees a port that is taken on all addresses", async () => {
  const taken = await occupy("0.0.0.0");
  expect(await choosePort("127.0.0.1", taken)).not.toBe(taken);
});

it("takes any free port when asked for 0", async () => {
  expect(await choosePort("127.0.0.1", 0)).toBeGreaterThan(1023);
});

it("says what PORT and HOST should be", async () => {
  expect(parsePort(undefined)).toBeUndefined();
  expect(parsePort("8080")).toBe(8080);
  expect(() => parsePort("abc")).toThrow(/PORT must be a number from 0 to 65535.*"abc"/);
  expect(() => parsePort("70000")).toThrow(/70000/);
  await expect(choosePort("203.0.113.7", 0)).rejects.toThrow(/Cannot listen on 203.0.113.7.*Set HOST/);
});

it("names an address that a browser can open", () => {
  expect(urlFor("127.0.0.1", 3000)).toBe("http://127.0.0.1:3000");
  expect(urlFor("0.0.0.0", 3000)).toBe("http://127.0.0.1:3000");
  expect(urlFor("::1", 3000)).toBe("http://[::1]:3000");
});
