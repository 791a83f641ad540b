/** The company of the story: its screen, its databases, and what they must come to. */
import { type Browser, expect, type Page } from "@playwright/test";
import { type Product, startProduct } from "../product.ts";

type Row = Record<string, unknown>;
type Part = "shop" | "books";

export type Story = {
  product: Product;
  page: Page;
  /** names of the sample company's databases, known once they are made */
  databases: { [part in Part]: string };
  shop(sql: string, values?: unknown[]): Promise<Row[]>;
  books(sql: string, values?: unknown[]): Promise<Row[]>;
  /** all invoices, by number */
  invoices(): Promise<Row[]>;
  /** @param from what follows FROM: a table, conditions */
  count(part: Part, from: string): Promise<number>;
  /** the books before anything ran */
  atFirst: Row[];
  /** id of the run that is undone in the end */
  liveRun: string;
};

/** Starts the product in an empty data folder and opens a browser on it. */
export async function beginStory(browser: Browser): Promise<Story> {
  const product = await startProduct("story");
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    colorScheme: "light",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  const databases = { shop: "", books: "" };
  const books: Story["books"] = (sql, values) => product.query(databases.books, sql, values);
  return {
    product,
    page,
    databases,
    shop: (sql, values) => product.query(databases.shop, sql, values),
    books,
    invoices: () =>
      books("SELECT number, customer, email, issued_on::text, net, currency, status FROM invoices ORDER BY number"),
    count: async (part, from) =>
      Number((await product.query(databases[part], `SELECT count(*) AS n FROM ${from}`))[0]?.n),
    atFirst: [],
    liveRun: "",
  };
}

/** An order that is not in the books, with a comma in its price and its currency in small letters. */
export const aNewOrder =
  "SELECT * FROM orders WHERE total LIKE '%,%' AND email LIKE '%@%' AND currency = 'eur' ORDER BY id DESC LIMIT 1";

/** What the orders must come to, counted in the databases: failed, already in the books, new. */
export async function expectedCounts({ shop, count, atFirst }: Story) {
  const good = "email LIKE '%@%' AND currency <> 'EURO'";
  const known = await shop(`SELECT count(*) AS n FROM orders WHERE ${good} AND order_no = ANY($1)`, [
    atFirst.map(({ number }) => number),
  ]);
  const arriving = await count("shop", `orders WHERE ${good}`);
  const inBooks = Number(known[0]?.n);
  return { failed: 5000 - arriving, inBooks, created: arriving - inBooks };
}

/** Thin separators away: “5 000” is 5000. */
export const plain = (text: string) => text.replaceAll(/(?<=\d)[\u202f\u00a0\u2009](?=\d)/g, "");

/** The numbers of the balance bar on a run's page, by their words: { read: 5000, created: 4741, … }. */
export async function balance({ page }: Story): Promise<{ [part: string]: number }> {
  const bar = page.getByRole("main").getByRole("img", { name: /^\d/ });
  const said = plain((await bar.getAttribute("aria-label")) ?? "");
  return Object.fromEntries([...said.matchAll(/(\d+) ([a-z ]+)/g)].map(([, value, words]) => [words, Number(value)]));
}

export const sum = (...values: (number | undefined)[]) => values.reduce<number>((all, value) => all + (value ?? 0), 0);

/** Publishes the draft with a note; the dialog that says so stays open. */
export async function publish({ page }: Story, version: number, note: string) {
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: `Publish version ${version}` });
  await dialog.getByRole("textbox", { name: "Note" }).fill(note);
  await dialog.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByRole("dialog", { name: new RegExp(`^Version ${version} of .* is live$`) })).toBeVisible();
}

/** Closes the dialog that is open; a message in the corner, which is a dialog to screen readers too, stays. */
export const closeDialog = ({ page }: Story) =>
  page.locator("[data-modal]").getByRole("button", { name: "Close", exact: true }).first().click();
