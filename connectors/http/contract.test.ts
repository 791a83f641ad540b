/** The contract suite over the fake REST server, with paging by cursor and bearer tokens. */
import type { ContractFixture } from "../testing/contract.ts";
import { describeConnector } from "../testing/contract.ts";
import { startFakeRest } from "../testing/fake-rest.ts";
import { httpConnector } from "./connector.ts";

const token = "fake-token-51fd2c";
const schema = {
  type: "object",
  required: ["id", "name"],
  properties: {
    id: { type: "string" },
    name: { type: "string", maxLength: 40 },
    city: { type: ["string", "null"] },
    changed_at: { type: "string" },
  },
};

const settingsFor = (baseUrl: string, collections: string[]) => ({
  baseUrl,
  auth: { kind: "bearer" },
  streams: collections.map((name) => ({
    name,
    path: `/${name}`,
    items: "data.records",
    key: ["id"],
    changedAt: "changed_at",
    sorted: true,
    lookup: { path: `/${name}/{id}` },
    paging: { kind: "cursor", next: "meta.next", sizeParam: "limit", size: 4 },
  })),
  sinks: collections.map((name) => ({
    name,
    key: ["id"],
    create: { path: `/${name}` },
    update: { path: `/${name}/{id}` },
    delete: { path: `/${name}/{id}` },
    read: { path: `/${name}/{id}` },
    schema,
  })),
});

const fixture: ContractFixture = {
  can: {
    credentials: true,
    network: true,
    watermark: "changed_at",
    write: ["insert", "update", "upsert", "delete"],
    readBack: true,
    undo: true,
    find: true,
    refused: (good) => ({ values: { ...good, name: null }, field: "name" }),
  },
  async start() {
    const fake = await startFakeRest({ auth: { kind: "bearer", token }, others: { style: "cursor", maxPageSize: 10 } });
    // The suite asks for a fresh collection per test; the settings must name them beforehand.
    const names = Array.from({ length: 60 }, (_, index) => `place${index}`);
    let used = 0;
    return {
      settings: settingsFor(fake.url, names),
      credentials: { token },
      secrets: [token],
      badCredentials: { token: "wrong-token-77a1" },
      unreachable: settingsFor("http://127.0.0.1:9", names),
      stop: () => fake.close(),
      async place(records) {
        const name = names[used++];
        if (name === undefined) throw new Error("The suite needs more places than the fixture names");
        const { records: held } = fake.collection(name);
        for (const record of records) held.set(record.id, { ...record });
        return {
          stream: name,
          sink: name,
          peek: async () => structuredClone([...held.values()]) as typeof records,
          change: async (id, values) => void held.set(id, { ...held.get(id)!, ...values }),
          remove: async (id) => void held.delete(id),
        };
      },
    };
  },
};

describeConnector(httpConnector, fixture);
