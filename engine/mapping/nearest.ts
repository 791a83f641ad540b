/** Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours each count 1. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + same);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, beforeLast[column - 2]! + 1);
      current[column] = best;
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}

/** The known name a mistyped one most likely means, or undefined when none is near. */
export function nearest(wanted: string, known: Iterable<string>): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[\s_.-]/g, "");
  const target = plain(wanted).slice(0, 60);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(target.length / 3)) + 0.5;
  for (const name of known) {
    const candidate = plain(name).slice(0, 60);
    if (Math.abs(candidate.length - target.length) >= bestDistance) continue;
    const steps = distance(target, candidate);
    if (steps < bestDistance) {
      best = name;
      bestDistance = steps;
    }
  }
  return best;
}
