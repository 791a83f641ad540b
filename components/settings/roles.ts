import type { Role } from "../../server/trpc/contract/people.ts";
import type { Option } from "../ui/select.tsx";

/** Roles from least to most, each with what it adds. */
export const roleOptions: Option<Role>[] = [
  { value: "viewer", label: "Viewer", hint: "Sees everything, changes nothing" },
  { value: "builder", label: "Builder", hint: "Draws, tries and runs flows" },
  { value: "operator", label: "Operator", hint: "Also retries, dismisses, undoes, stops" },
  { value: "admin", label: "Admin", hint: "Also people, tokens, removing things" },
  { value: "owner", label: "Owner", hint: "Everything; at least one is needed" },
];

/** Roles a person may give: up to their own. */
export function rolesUpTo(own: Role): Option<Role>[] {
  return roleOptions.slice(0, roleOptions.findIndex(({ value }) => value === own) + 1);
}
