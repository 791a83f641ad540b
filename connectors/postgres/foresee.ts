import type { Foreseen, ForeseeRequest } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
export async function foreseePage(_clients: Clients, _table: Table, _request: ForeseeRequest): Promise<Foreseen[]> {
  throw new Error("todo");
}
