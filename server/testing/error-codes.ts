/** Finds the error codes a program's text can give, for the test that compares them with docs/errors.md. */

/** A code, or a template with a part that is filled in: `${what}-unknown`. */
const CODE = /^["`]([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*|[a-z0-9-]*\$\{\w+\}[a-z0-9-]*)["`]$/;

export type Source = { path: string; text: string };
export type FoundCode = { code: string; path: string };
/** Functions and classes that take a code: at which place. */
type Takers = Map<string, number>;

/**
 * Codes as they are written: `code: "x"` and `const code = …`, also as the cases of a choice, and arguments where a parameter
 * is named `code`, in the same file or where that function or class is exported from.
 */
export function findCodes(sources: readonly Source[]): FoundCode[] {
  const exported: Takers = new Map(sources.flatMap(({ text }) => takers(text, "export ")));
  return sources.flatMap(({ path, text }) => {
    const local = new Map([...exported, ...takers(text, "(?:export )?")]);
    const expressions = [
      ...[...text.matchAll(/\bcode(?:: | = |\?: )/g)].map(
        ({ index, 0: found }) => argumentsAt(text, index + found.length)[0],
      ),
      ...[...text.matchAll(/\b(?:new )?(\w+)\(/g)].map(({ index, 0: found, 1: name = "" }) => {
        const declared = /(?:function\*?|class|async) $/.test(text.slice(Math.max(0, index - 10), index));
        const taker = name === "super" ? superOf(text.slice(0, index)) : name;
        const place = declared ? undefined : local.get(taker);
        return place === undefined ? undefined : argumentsAt(text, index + found.length)[place];
      }),
    ];
    return expressions.flatMap((expression) => codesIn(expression ?? "")).map((code) => ({ code, path }));
  });
}

function takers(text: string, prefix: string): [string, number][] {
  const forms = [
    new RegExp(`^[ ]*${prefix}(?:async )?function (\\w+)(?:<[^(]*>)?\\(`, "gm"),
    new RegExp(`^[ ]*${prefix}const (\\w+) = (?:async )?\\(`, "gm"),
    new RegExp(`^[ ]*${prefix}class (\\w+)[^]*?\\bconstructor\\(`, "gm"),
  ];
  return forms.flatMap((form) =>
    [...text.matchAll(form)].flatMap(({ index, 0: found, 1: name = "" }): [string, number][] => {
      const place = argumentsAt(text, index + found.length).findIndex((parameter) =>
        /^(?:code|ours)\b/.test(parameter),
      );
      return place < 0 ? [] : [[name, place]];
    }),
  );
}

const superOf = (before: string) => [...before.matchAll(/\bclass \w+ extends (\w+)/g)].at(-1)?.[1] ?? "";

/** A literal, or those a choice leads to. */
function codesIn(expression: string): string[] {
  const cases = expression.includes("?") ? expression.split(/[?:]/).slice(1) : [expression];
  return cases.flatMap((text) => CODE.exec(text.trim())?.[1] ?? []);
}

/** What stands between the commas up to the bracket that closes the place. */
function argumentsAt(text: string, start: number): string[] {
  const found: string[] = [];
  let from = start;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const sign = text[at] as string;
    if (sign === '"' || sign === "'" || sign === "`") at = endOfText(text, at);
    else if ("([{".includes(sign)) depth++;
    else if (depth === 0 && ")]};,".includes(sign)) {
      found.push(text.slice(from, at).trim());
      from = at + 1;
      if (sign !== ",") break;
    } else if (")]}".includes(sign)) depth--;
  }
  return found;
}

function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === text[start]) return at;
  }
  return text.length;
}
