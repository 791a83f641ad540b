/** Tells an outage of our own database (try again later) from a defect. Connectors wrap their failures, so a raw
 * driver error that reaches a run comes from our own pool. */
const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "P1001",
  "P1002",
  "P1008",
  "P1017",
  "P2024",
]);

export function isOutage(error: unknown): boolean {
  // a target that went away is no outage of ours, though its message may sound like one
  if (!(error instanceof Error) || error.name === "IntegrationError" || error.name === "PageInterrupted") return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (NETWORK.has(code)) return true;
  // class 08: connection; 53: resources (a full disk); 57P0x: shutdown, crash, starting up; 58: its files; 40: rolled back,
  // may be repeated; 25006: read-only just now
  if (/^(08|53|57P|58|40|25006)/.test(code)) return true;
  return /Connection terminated|connection timeout|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/i.test(
    error.message,
  );
}
