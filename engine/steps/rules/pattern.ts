/** Regular expressions of rules. */
export type Pattern = { test(text: string): boolean; problem?: string };

export function compilePattern(source: string): Pattern {
  try {
    const pattern = new RegExp(source, "u");
    return { test: (text) => pattern.test(text) };
  } catch (error) {
    return { test: () => false, problem: error instanceof Error ? error.message : String(error) };
  }
}
