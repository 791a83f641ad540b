/** Which port the web process takes, and under which address it is then reached. */
import { createServer } from "node:net";
import { Stop, say } from "./progress.mjs";

/** @param {string | undefined} text the variable PORT @returns {number | undefined} undefined when not given; 0 asks for any free one */
export function parsePort(text) {
  if (text === undefined || text.trim() === "") return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Stop(`PORT must be a number from 0 to 65535 (0 takes any free one), found "${text}".`);
  }
  return port;
}

/**
 * The wanted port, or the next free one after it, said aloud.
 * @param {string} host @param {number} wanted
 */
export async function choosePort(host, wanted) {
  for (let port = wanted; port <= Math.min(65_535, wanted + 200); port++) {
    const found = await listenOnce(host, port);
    if (found === undefined) continue;
    if (port !== wanted) say(`• Port ${wanted} is taken, using ${port}`);
    return found;
  }
  throw new Stop(`No port from ${wanted} to ${wanted + 200} is free on ${host}. Set PORT to a free one.`);
}

/** @param {string} host @param {number} port @returns {Promise<number | undefined>} the port, or undefined when it is taken */
function listenOnce(host, port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else if (error.code === "EACCES")
        reject(new Stop(`This user may not listen on port ${port}. Set PORT to 1024 or above.`));
      else
        reject(
          new Stop(
            `Cannot listen on ${host}: ${error.message}. Set HOST to an address of this machine, or 0.0.0.0 for all.`,
          ),
        );
    });
    probe.listen(port, host, () => {
      const { port: found } = /** @type {import("node:net").AddressInfo} */ (probe.address());
      probe.close(() => resolve(found));
    });
  });
}

/** Address to open in a browser on this machine. @param {string} host @param {number} port */
export function urlFor(host, port) {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
