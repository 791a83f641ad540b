/** Who may answer: people by e-mail address, and roles, each with those above it. */
export const ANSWERING_ROLES = ["viewer", "builder", "operator", "admin"] as const;
export type AnsweringRole = (typeof ANSWERING_ROLES)[number];

export const isAnsweringRole = (who: string): who is AnsweringRole =>
  (ANSWERING_ROLES as readonly string[]).includes(who);

/** In words: "ana@example.com or operators". Admins may always answer, so they are named only alone. */
export function whoInWords(who: readonly string[]): string {
  const people = who.filter((one) => !isAnsweringRole(one));
  const lowest = ANSWERING_ROLES.find((role) => who.includes(role));
  const role = lowest === undefined ? [] : lowest === "viewer" ? ["everyone here"] : [`${lowest}s`];
  return [...people, ...role].join(people.length + role.length === 2 ? " or " : ", ");
}
