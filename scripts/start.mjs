/**
 * `npm start`: everything from an empty checkout to a page in the browser, then keeps web and worker running.
 * `npm run web` and `npm run worker` run one part against a database that is there already.
 */
import { bootstrap } from "./bootstrap.mjs";
import { main } from "./ending.mjs";
import { Stop } from "./progress.mjs";

const modes = ["start", "web", "worker"];

await main(
  async () => {
    const mode = process.argv[2] ?? "start";
    if (!modes.includes(mode)) throw new Stop(`Expected one of ${modes.join(", ")}, found "${mode}".`);
    await bootstrap(mode);
    const { supervise } = await import("./supervise.mjs"); // needs what bootstrap brought
    return supervise(/** @type {"start" | "web" | "worker"} */ (mode));
  },
  { interrupted: 0 },
);
