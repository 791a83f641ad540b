import { count } from "../ui/format.ts";

/** The server's reasons begin with their place: Step “Check orders” (check), field “email”: … Screens show the place apart. Pure. */

const place = /^Step “([^”]+)”(?: \(([^)]*)\))?(?:, field “([^”]+)”)?: /;

export type Reason = {
  /** the reason itself, as a sentence */
  text: string;
  /** the step's title, when the reason names it */
  step: string | null;
};

/** “Step “Check orders” (check), field “email”: expected an e-mail address.” → “Expected an e-mail address.”, “Check orders” */
export function readReason(reason: string): Reason {
  const found = place.exec(reason);
  const rest = found ? reason.slice(found[0].length) : reason;
  // A name in capitals (a function of a formula) stays as it is; so does a quotation.
  return { text: rest.charAt(0).toUpperCase() + rest.slice(1), step: found?.[1] ?? null };
}

/** Whether the field the reason names is one of the record as it entered the step, so that it can be corrected there. */
export function isInRecord(record: { [field: string]: unknown }, field: string | undefined): field is string {
  return field !== undefined && (field in record || (field.split(/[.[]/)[0] ?? "") in record);
}

/** Sent, and no answer came: whether the target has it nobody here can tell, so a person looks before it is sent again. */
export const mayHaveArrived = ({ code }: { code: string }) => code === "may-have-arrived";

/** “Orders”, “Refunds”, “Prices” and 12 more flows. */
export function flowNames(flows: { name: string }[]): string {
  const named = flows.slice(0, flows.length > 4 ? 3 : 4).map(({ name }) => `“${name}”`);
  const more = flows.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${count(more, "more flow")}` : ""}`;
}
