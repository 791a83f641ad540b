/**
 * The sample company's data: a shop as shops are, about 5,000 orders with the dirt of real life. Duplicate customers,
 * missing e-mails, three date formats in one column, prices with a comma, a currency nobody knows, trailing blanks.
 */
import { type Random, seeded } from "./random.ts";

export type Customer = {
  id: number;
  name: string;
  email: string | null;
  city: string;
  country: string;
  phone: string | null;
};
export type Product = { sku: string; title: string; price: string; stock: number };
export type OrderLine = { orderId: number; lineNo: number; sku: string; qty: number; price: string };
export type Order = {
  id: number;
  orderNo: string;
  customerId: number;
  customerName: string;
  email: string | null;
  orderedOn: string;
  total: string;
  currency: string;
  status: string;
  updatedAt: Date;
};
export type SampleData = { customers: Customer[]; products: Product[]; orders: Order[]; lines: OrderLine[] };

const FIRST = [
  "Ana",
  "Ben",
  "Chiara",
  "David",
  "Elif",
  "Farid",
  "Greta",
  "Henrik",
  "Ines",
  "Jonas",
  "Katarzyna",
  "Luca",
  "Marta",
  "Noah",
  "Olga",
  "Pavel",
  "Rosa",
  "Sven",
  "Teresa",
  "Yusuf",
  "Zoë",
  "Björn",
  "Élodie",
  "Siobhán",
];
const LAST = [
  "Almeida",
  "Becker",
  "Castro",
  "Dubois",
  "Eriksen",
  "Fischer",
  "García",
  "Hansen",
  "Ivanova",
  "Jansen",
  "Kowalski",
  "Lindqvist",
  "Müller",
  "Novák",
  "O’Brien",
  "Petrov",
  "Rossi",
  "Schäfer",
  "Tanaka",
  "van den Berg",
  "Weber",
  "Yılmaz",
];
const PLACES = [
  ["Berlin", "DE"],
  ["Hamburg", "DE"],
  ["Wien", "AT"],
  ["Zürich", "CH"],
  ["Lyon", "FR"],
  ["Porto", "PT"],
  ["Gdańsk", "PL"],
  ["Malmö", "SE"],
  ["Bologna", "IT"],
  ["Utrecht", "NL"],
] as const;
const THINGS = [
  "Desk lamp",
  "Oak shelf",
  "Linen cushion",
  "Steel kettle",
  "Wool blanket",
  "Wall clock",
  "Glass carafe",
  "Folding chair",
  "Bread board",
  "Door mat",
  "Coat hook",
  "Storage box",
  "Floor mirror",
  "Table runner",
  "Ceramic mug",
];
const KINDS = ["small", "large", "black", "natural", "set of 2", "set of 4"];
const ORDERS = 5_000;
const CUSTOMERS = 1_200;

/** @param today the day the company was made; orders reach back four months from it */
export function sampleData(today: Date): SampleData {
  const random = seeded(20_261_123);
  const customers = makeCustomers(random);
  const products = makeProducts(random);
  const orders: Order[] = [];
  const lines: OrderLine[] = [];
  for (let id = 1; id <= ORDERS; id++) {
    const customer = customers[random.below(customers.length)] as Customer;
    const { total, own } = makeLines(random, id, products);
    lines.push(...own);
    const placed = new Date(today.getTime() - ((ORDERS - id) * 34_000_000) / 16 - random.below(3_600_000));
    orders.push({
      id,
      orderNo: `SO-${String(10_000 + id)}`,
      customerId: customer.id,
      customerName: random.chance(0.08)
        ? `${customer.name}  `
        : random.chance(0.03)
          ? customer.name.toUpperCase()
          : customer.name,
      email:
        customer.email === null || random.chance(0.01)
          ? null
          : random.chance(0.01)
            ? customer.email.replace("@", " at ")
            : customer.email,
      orderedOn: formatDate(random, placed),
      total: random.chance(0.12) ? total.replace(".", ",") : total,
      currency: random.chance(0.006) ? "EURO" : random.chance(0.04) ? "eur" : "EUR",
      status: random.pick(["paid", "paid", "paid", "shipped", "shipped", "open", "cancelled"]),
      // never after the company was made: a watermark in the future would hide the next change
      updatedAt: new Date(Math.min(placed.getTime() + random.below(86_400_000), today.getTime() - 60_000)),
    });
  }
  return { customers, products, orders, lines };
}

function makeCustomers(random: Random): Customer[] {
  const customers: Customer[] = [];
  for (let id = 1; id <= CUSTOMERS; id++) {
    const twin = id > 50 && random.chance(0.05) ? (customers[random.below(customers.length)] as Customer) : undefined;
    if (twin) {
      customers.push({
        ...twin,
        id,
        name: random.chance(0.5) ? twin.name.toLowerCase() : `${twin.name} `,
        email: twin.email?.toUpperCase() ?? null,
      });
      continue;
    }
    const first = random.pick(FIRST);
    const last = random.pick(LAST);
    const [city, country] = random.pick(PLACES);
    const plain = `${first}.${last}`
      .normalize("NFD")
      .replace(/[^A-Za-z.]/g, "")
      .toLowerCase();
    customers.push({
      id,
      name: `${first} ${last}`,
      email: random.chance(0.02) ? null : `${plain}${id}@example.com`,
      city,
      country,
      phone: random.chance(0.2) ? null : `0${30 + random.below(60)} ${100_000 + random.below(900_000)}`,
    });
  }
  return customers;
}

function makeProducts(random: Random): Product[] {
  return THINGS.flatMap((thing, row) =>
    KINDS.map((kind, column) => ({
      sku: `P-${String(row + 1).padStart(2, "0")}${column + 1}`,
      title: `${thing}, ${kind}`,
      price: cents(490 + random.below(18_000)),
      stock: random.below(240),
    })),
  );
}

function makeLines(random: Random, orderId: number, products: Product[]): { total: string; own: OrderLine[] } {
  const own: OrderLine[] = [];
  let sum = 0;
  for (let lineNo = 1; lineNo <= 1 + random.below(4); lineNo++) {
    const product = random.pick(products);
    const qty = 1 + random.below(3);
    sum += Math.round(Number(product.price) * 100) * qty;
    own.push({ orderId, lineNo, sku: product.sku, qty, price: product.price });
  }
  return { total: cents(sum), own };
}

function cents(amount: number): string {
  return `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
}

/** The shop was moved twice; each time the dates were written another way. */
function formatDate(random: Random, date: Date): string {
  const [year, month, day] = date.toISOString().slice(0, 10).split("-") as [string, string, string];
  const way = random.next();
  return way < 0.7 ? `${year}-${month}-${day}` : way < 0.9 ? `${day}.${month}.${year}` : `${month}/${day}/${year}`;
}
