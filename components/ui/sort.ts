const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** By name as people read it: “Depot 9” before “Depot 10”, upper and lower case alike. */
export function byName<Named extends { name: string }>(all: readonly Named[]): Named[] {
  return all.toSorted((one, other) => collator.compare(one.name, other.name));
}
