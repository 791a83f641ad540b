import { formulaHelp } from "../../engine/mapping/catalogue.ts";
import { type ChainMenuEntry, chainMenu } from "../../engine/mapping/chain-functions.ts";
import type { ChainItem } from "../../engine/mapping/field-mapping.ts";
import { partsOf } from "./mapping-edits.ts";

/** Groups of the function menu, in their order. */
export const { categories } = formulaHelp();

/** Functions a line can carry; those that take a calculation need a formula. */
export const entries = chainMenu()
  .filter(({ args }) => args.every(({ type }) => type !== "lambda" && type !== "each"))
  .sort((a, b) => place(a) - place(b));

function place({ category }: ChainMenuEntry): number {
  return categories.findIndex(({ id }) => id === category);
}

/** Short enough for a chip: “number ,”. */
export function chipText(item: ChainItem): string {
  const { fn, args } = partsOf(item);
  const said = args
    .map((arg) => (typeof arg === "string" ? (arg.trim() === "" ? `“${arg}”` : arg) : JSON.stringify(arg)))
    .join(" ");
  return said === "" ? fn : `${fn} ${said.length > 16 ? `${said.slice(0, 15)}…` : said}`;
}
