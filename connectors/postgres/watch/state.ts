/** Whether a table can be watched, and whether it is. */
import type { StreamWatch } from "../../sdk/changes.ts";
import { keysOf, type Table } from "../catalog.ts";
import { triggersOf } from "./recorder.ts";

/** Why a table can never be watched, as a sentence; undefined when it can. */
export function watchProblem(table: Table, stream: string): string | undefined {
  if (table.kind !== "r" && table.kind !== "p")
    return `${stream} is a view or foreign table; watch the tables it is made of.`;
  if (table.watch.hasHeirs) return `Other tables inherit from ${stream}, and changes in those would not be seen.`;
  if (keysOf(table).length > 0) return undefined;
  return `${stream} has no primary key and no unique columns that are never empty, so its rows cannot be told apart.`;
}

/** As the catalogue tells; whether a flow missed something meanwhile is known only with its position. */
export function watchState(table: Table, stream: string): StreamWatch {
  const problem = watchProblem(table, stream);
  if (problem) return { state: "impossible", note: problem };
  const { triggers, enabled, hasLog, mayCreate, mayTrigger } = table.watch;
  if (triggers > 0) {
    if (hasLog && enabled >= triggersOf(table)) return { state: "on" };
    const what = hasLog ? "some of its triggers were removed or disabled" : "its tables are gone or may not be used";
    return { state: "broken", note: `The recorder of ${stream} does not work: ${what}. Install it again.` };
  }
  if (mayCreate && mayTrigger)
    return { state: "off", note: `Changes of ${stream} are not recorded yet: the recorder can be installed.` };
  const rights = [
    ...(mayCreate ? [] : [`CREATE on schema ${table.schema}`]),
    ...(mayTrigger ? [] : [`TRIGGER on ${stream}`]),
  ];
  return {
    state: "refused",
    note: `Changes of ${stream} are not recorded: the user of this connection lacks the right ${rights.join(" and ")}. The database's administrator can grant it, or run the script that installs the recorder.`,
  };
}
