import type { FormField } from "./schema-form.ts";
import { asValues, type Values } from "./schema-values.ts";

/** Which credentials a way of signing in uses. A connector without a choice of ways uses all it declares. */
const usedBy: { [kind: string]: string[] } = {
  none: [],
  basic: ["username", "password"],
  bearer: ["token"],
  apiKey: ["apiKey"],
  oauth2: ["clientId", "clientSecret"],
};

/** Leaves out credentials the chosen way of signing in (`auth.kind` of the settings) does not use. */
export function relevantCredentials(fields: FormField[], settings: Values): FormField[] {
  const { kind } = asValues(settings.auth);
  const used = typeof kind === "string" ? usedBy[kind] : undefined;
  if (!used) return fields;
  return fields
    .filter(({ name }) => used.includes(name))
    .map(({ name, node }) => ({ name, node: { ...node, optional: false } }));
}
