/** Roles of people and tokens, least first (DESIGN §9). Each may do all that the ones before it may. */
import { z } from "zod";
import type { Role } from "./trpc/contract/people.ts";

export const ROLES = ["viewer", "builder", "operator", "admin", "owner"] as const satisfies readonly Role[];
export const RoleSchema = z.enum(ROLES);

export const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

/** Is `role` at least `needed`? */
export function mayAs(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
