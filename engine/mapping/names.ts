const PLAIN = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
const KEYWORD = /^(?:true|false|null)$/i;

/** A field name as it is written in a formula: plain, in square brackets, or in backticks when it holds what brackets cannot. */
export function writeName(name: string): string {
  if (PLAIN.test(name) && !KEYWORD.test(name)) return name;
  if (isBracketName(name)) return `[${name}]`;
  return `\`${name.replaceAll("`", "``")}\``;
}

/**
 * Whether the text between square brackets is a field name (`[Unit price]`) and not the one item of a list (`[1]`,
 * `["a"]`) nor several items (`[a, b]`). Names with commas, quotes or brackets go in backticks.
 */
export function isBracketName(content: string): boolean {
  const text = content.trim();
  if (text === "" || text !== content || /[,;"`[\]{}\n]/.test(text)) return false;
  return !KEYWORD.test(text) && !/^[-+]?\s*(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?%?$/.test(text);
}

/** The parts of a path such as `customer.name`, ``lines.`Unit price` `` or `customer.[First name]`; a part may hold blanks as it is. */
export function splitPath(path: string): string[] {
  const parts: string[] = [];
  const pattern = /\[([^\]]*)\]|`((?:[^`]|``)*)`|([^.]+)/y;
  let at = 0;
  while (at < path.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(path);
    if (!match) return [path];
    at = pattern.lastIndex;
    if (at < path.length && path[at] !== ".") {
      // a bracket inside a plain name, such as `price [EUR]`: no path syntax, the text is the name
      return [path];
    }
    parts.push(match[1] ?? match[2]?.replaceAll("``", "`") ?? match[3]!.trim());
    at += 1;
  }
  return parts.length > 0 && !path.endsWith(".") ? parts : [path];
}

export function writePath(parts: readonly string[]): string {
  return parts.map(writeName).join(".");
}
