/** Counters of a run and its steps, and the balance that must close. */
import type { OutcomeCounts, RunCounts, StepCounts } from "../ports.ts";
import { OUTCOMES } from "../steps/define-step.ts";

export function noOutcomes(): OutcomeCounts {
  return { dead: 0, held: 0, duplicate: 0, filtered: 0, unchanged: 0, deleted: 0, updated: 0, created: 0 };
}

export function noRunCounts(): RunCounts {
  return { read: 0, ...noOutcomes() };
}

export function noStepCounts(): StepCounts {
  return { in: 0, made: 0, out: 0, joined: 0, ports: {}, ...noOutcomes() };
}

/** Records with an outcome. */
export function settled(counts: OutcomeCounts): number {
  let sum = 0;
  for (const outcome of OUTCOMES) sum += counts[outcome];
  return sum;
}

/** read = sum of outcomes. */
export function balances(counts: RunCounts): boolean {
  return counts.read === settled(counts);
}

/** A sentence about the first step or total that does not add up; null when all do. */
export function imbalance(counts: RunCounts, steps: { [step: string]: StepCounts }): string | null {
  if (!balances(counts)) return `${counts.read} records were read but ${settled(counts)} have an outcome.`;
  for (const [id, step] of Object.entries(steps)) {
    const came = step.in + step.made;
    const left = step.out + step.joined + settled(step);
    if (came === left) continue;
    const made = step.made === 0 ? "" : ` and ${step.made} were made there`;
    return `${step.in} records entered step “${id}”${made}, but ${left} left it or ended there.`;
  }
  return null;
}
