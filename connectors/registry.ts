/** The one list of connectors. A new connector is a folder of its own and one line here. */
import { csvConnector } from "./csv/connector.ts";
import { httpConnector } from "./http/connector.ts";
import { postgres } from "./postgres/connector.ts";
import type { Connector } from "./sdk/types.ts";

// Settings and credentials pass through each connector's own schema before `open`, so the list need not know their types.
const listed = <S, C>(connector: Connector<S, C>) => connector as unknown as Connector;

export const connectors: Connector[] = [listed(postgres), listed(csvConnector), listed(httpConnector)];

/** The connector with this id; undefined when the product has none. */
export function connectorById(id: string): Connector | undefined {
  return connectors.find((connector) => connector.id === id);
}
