import { describe, expect, it } from "vitest";
import { httpConnector } from "../../connectors/http/connector.ts";
import { auditedSettings, changedSettings } from "./settings-for-audit.ts";

const orders = {
  name: "orders",
  path: "/orders?api_key=k-123456&since={from}",
  query: { key: "k-123456", limit: 5 },
  sample: [{ email: "ana@example.com" }],
};
const settings = {
  baseUrl: "https://api.example.com/v2?token=k-123456",
  headers: { "X-Api-Key": "k-123456", "X-Tenant": "acme" },
  timeoutMs: 1_000,
  streams: [orders],
};

describe("settings in the audit log", () => {
  it("keep what is no secret, and of headers, query parameters and samples only the names", () => {
    const kept = auditedSettings(httpConnector, settings);
    expect(JSON.stringify(kept)).not.toMatch(/k-123456|acme|ana@/);
    expect(kept).toEqual({
      baseUrl: "https://api.example.com/v2?token=•••",
      headers: { "X-Api-Key": "•••", "X-Tenant": "•••" },
      timeoutMs: 1_000,
      streams: [
        {
          name: "orders",
          path: "/orders?api_key=•••&since={from}",
          query: { key: "•••", limit: "•••" },
          sample: "•••",
        },
      ],
    });
  });

  it("say which ones changed, by name, and not to what where that is confidential", () => {
    const customers = { name: "customers", path: "/customers" };
    const changed = {
      ...settings,
      headers: { "X-Api-Key": "k-654321", "X-Trace": "1" },
      timeoutMs: 2_000,
      streams: [customers, { ...orders, query: { ...orders.query, key: "k-654321" } }],
    };
    const said = changedSettings(httpConnector, settings, changed);
    expect(JSON.stringify(said)).not.toMatch(/k-123456|k-654321|acme/);
    expect(said).toEqual({
      "headers.X-Api-Key": { before: "•••", after: "•••" },
      "headers.X-Tenant": { before: "•••" },
      "headers.X-Trace": { after: "•••" },
      timeoutMs: { before: 1_000, after: 2_000 },
      "streams.customers.name": { after: "customers" },
      "streams.customers.path": { after: "/customers" },
      "streams.orders.query.key": { before: "•••", after: "•••" },
    });
    expect(changedSettings(httpConnector, settings, structuredClone(settings))).toEqual({});
  });

  it("list as many changes as somebody reads", () => {
    const headers = Object.fromEntries(Array.from({ length: 70 }, (_, number) => [`X-${number}`, "1"]));
    const said = changedSettings(httpConnector, settings, { ...settings, headers });
    expect(Object.keys(said)).toHaveLength(51);
    expect(said["…"]).toBe("and 22 more");
  });
});
