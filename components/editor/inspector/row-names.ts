/** Names for fields that a step adds, made from what they come from. Pure. */

/** “address.city” → “city”; with a number behind it when the name is taken: “city_2”. */
export function nameFor(path: string, taken: readonly string[]): string {
  const name = /\["([^"]+)"\]$/.exec(path)?.[1] ?? path.split(".").at(-1) ?? path;
  for (let number = 1; ; number += 1) {
    const tried = number === 1 ? name : `${name}_${number}`;
    if (!taken.includes(tried)) return tried;
  }
}
