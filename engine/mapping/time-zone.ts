import type { ConstantProblem } from "./function.ts";
import { isTimeZone } from "./moment.ts";
import { quote, type Value } from "./value.ts";

/** For `check` of functions that take the name of a time zone. */
export function zoneProblem(zone: Value | undefined, argument: number): ConstantProblem | undefined {
  if (typeof zone !== "string" || isTimeZone(zone)) return undefined;
  return { argument, message: `expected a time zone such as "Europe/Berlin" or "UTC", found ${quote(zone)}` };
}
