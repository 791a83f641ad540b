/** Regular expressions of rules, in linear time whatever the pattern. */
import { compileRegex, regexProblem } from "../../mapping/regex/regex.ts";

/** @throws MappingError (when made or called) for a pattern that is none, or a text that takes too much work */
export function compilePattern(source: string): (text: string) => boolean {
  const regex = compileRegex(source);
  return (text) => regex.exec(text, 0) !== undefined;
}

/** Why a pattern cannot be used; undefined when it can. */
export function patternProblem(source: string): string | undefined {
  return regexProblem(source, 0)?.message;
}
