import type { UndoOutcome, UndoRequest, WriteHooks } from "../sdk/types.ts";
import type { Table } from "./catalog.ts";
import type { Clients } from "./client.ts";
export async function undoPage(
  _clients: Clients,
  _table: Table,
  _request: UndoRequest,
  _hooks: WriteHooks,
): Promise<UndoOutcome[]> {
  throw new Error("todo");
}
