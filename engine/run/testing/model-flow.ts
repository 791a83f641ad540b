/** The flow of the protocol's property tests, and what it reads. */
import type { ConnectorSession, JsonRecord } from "../../../connectors/sdk/types.ts";
import { compileFlow, type Plan } from "../../flow/compile.ts";
import { readDraft } from "../../flow/read-draft.ts";
import { type Kind, type Operation, sinkInfo, usualOperation } from "./protocol-model.ts";

/** How the flow of the model reads and writes; otherwise it reads in full, and writes as suits the target. */
type How = { follows?: boolean; operation?: Operation; dedupes?: boolean };

export function planOf(kind: Kind, pageSize: number, how: How = {}): Plan {
  const { follows = false, operation = usualOperation(kind), dedupes = false } = how;
  const { flow } = readDraft({
    format: "plumbline/1",
    name: "Model",
    steps: [
      {
        id: "read",
        kind: "read",
        connection: "From",
        stream: "orders",
        ...(follows ? { sync: "incremental", watermark: "changed" } : { sync: "full" }),
      },
      ...(dedupes ? [{ id: "dedupe", kind: "dedupe", keys: ["id"] }] : []),
      {
        id: "write",
        kind: "write",
        connection: "To",
        sink: "orders",
        operation,
        ...(operation === "upsert" ? { match: ["id"] } : {}),
      },
    ],
    links: dedupes
      ? [
          { from: "read", to: "dedupe" },
          { from: "dedupe", to: "write" },
        ]
      : [{ from: "read", to: "write" }],
    settings: { pageSize, retry: { attempts: 1_000, for: "24h" } },
  });
  const fields = [
    { name: "id", type: "text" as const, key: true },
    { name: "bad", type: "boolean" as const },
    { name: "version", type: "integer" as const },
    { name: "changed", type: "integer" as const },
  ];
  const { plan, problems } = compileFlow(flow, {
    connections: new Map([
      [
        "From",
        {
          name: "From",
          connector: "x",
          streams: [{ name: "orders", title: "", fields, key: ["id"], watermarks: ["changed"] }],
          sinks: [],
        },
      ],
      ["To", { name: "To", connector: "x", streams: [], sinks: [sinkInfo(kind)] }],
    ]),
  });
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}

export function source(records: JsonRecord[]): ConnectorSession["read"] {
  return async function* ({ cursor, pageSize }) {
    for (let from = typeof cursor === "number" ? cursor : 0; from < records.length; from += pageSize) {
      await Promise.resolve();
      yield { records: records.slice(from, from + pageSize), cursor: from + pageSize };
    }
  };
}
