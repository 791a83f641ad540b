/** Connections and connectors, as the screens get them. */

export type ConnectionState = "unchecked" | "ok" | "refused" | "unreachable";

/** A system that is down: since when, what waits for it, and when it is asked again. */
export type Outage = {
  connectionId: string;
  connectionName: string;
  since: string;
  reason: string | null;
  waitingRuns: number;
  waitingRecords: number;
  nextTryAt: string | null;
};

export type ConnectionSummary = {
  id: string;
  name: string;
  connector: string;
  connectorTitle: string;
  state: ConnectionState;
  stateMessage: string | null;
  checkedAt: string | null;
  /** names of flows that use it */
  usedBy: { id: string; name: string }[];
  /** while it is down */
  outage: Outage | null;
};

export type ConnectionDetail = ConnectionSummary & { settings: unknown; credentialsSet: string[] };

export type ConnectorInfo = {
  id: string;
  title: string;
  summary: string;
  mark: { letters: string; tint: string };
  /** JSON Schemas (draft 2020-12) from which the form is drawn */
  settings: unknown;
  credentials: unknown;
};

/** What records changes in a system, is followed by nobody here any more, and could not be taken out of it. */
export type LeftRecorder = {
  connection: string;
  stream: string;
  /** why not */
  message: string;
  /** what somebody with the rights runs to remove it; empty when the system is not known well enough */
  script: string;
};
