/** Lint rule: imports point one way (`import-rules.mjs`). `node scripts/check-imports.mjs` prints each broken arrow. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { checkedFolders, forbiddenFolders, rules, testFiles, testFolders } from "./import-rules.mjs";
import { root } from "./places.mjs";
import { say } from "./progress.mjs";

/** @typedef {{ specifier: string, line: number, typeOnly: boolean }} Import */

/**
 * Every import of a source text: static, `export … from`, dynamic with a literal, `require`. Comments and other strings are not taken for code.
 * @param {string} source TypeScript or TSX
 * @returns {Import[]}
 */
export function importsOf(source) {
  const { code, strings } = mask(source);
  const found = [];
  // In the masked code a string is "n", its number; so no text of the product can look like an import.
  const patterns = [
    /(?:^|[;}\n])[ \t]*(?:import|export)\s+(type\s+(?!from\b|,))?(?:[\w$*{][^;"'`()]*?)\bfrom\s*"(\d+)"/g,
    /(?:^|[;}\n])[ \t]*import\s*()"(\d+)"/g,
    /(?<![.\w$])(?:import|require)\s*\(\s*()"(\d+)"/g,
  ];
  for (const pattern of patterns) {
    for (const match of code.matchAll(pattern)) {
      const { text, at } = strings[Number(match[2])] ?? { text: "", at: 0 };
      found.push({ specifier: text, line: source.slice(0, at).split("\n").length, typeOnly: Boolean(match[1]) });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** Blanks comments, regular expressions and templates, and replaces each string by its number. @param {string} source */
function mask(source) {
  /** @type {{ text: string, at: number }[]} */
  const strings = [];
  let code = "";
  const string = (/** @type {string} */ text, /** @type {number} */ at) => {
    code += `"${strings.length}"`;
    strings.push({ text, at });
  };
  /** @param {number} at index of the opening mark @returns {number} index behind the closing one, or `at` when the line ends first (an apostrophe in JSX text) */
  const endOfString = (at) => {
    for (let i = at + 1; i < source.length && source[i] !== "\n"; i++) {
      if (source[i] === "\\") i++;
      else if (source[i] === source[at]) return i + 1;
    }
    return at;
  };
  /** @param {number} from @param {boolean} inTemplate code inside `${}` ends with its brace @returns {number} */
  const scan = (from, inTemplate) => {
    let depth = 0;
    for (let i = from; i < source.length; ) {
      const char = source[i];
      const two = source.slice(i, i + 2);
      if (two === "//") i = source.indexOf("\n", i) < 0 ? source.length : source.indexOf("\n", i);
      else if (two === "/*") {
        const end = source.indexOf("*/", i + 2);
        code += " ";
        i = end < 0 ? source.length : end + 2;
      } else if ((char === '"' || char === "'") && endOfString(i) > i) {
        const end = endOfString(i);
        string(source.slice(i + 1, end - 1), i);
        i = end;
      } else if (char === "`") i = template(i);
      else if (char === "/" && startsRegex()) i = endOfRegex(i);
      else {
        if (char === "{") depth++;
        if (char === "}" && depth-- === 0 && inTemplate) return i + 1;
        code += char === '"' ? " " : char;
        i++;
      }
    }
    return source.length;
  };
  /** @param {number} at @returns {number} */
  const template = (at) => {
    let plain = true;
    for (let i = at + 1; i < source.length; ) {
      if (source[i] === "\\") i += 2;
      else if (source[i] === "`") {
        if (plain) string(source.slice(at + 1, i), at);
        return i + 1;
      } else if (source.startsWith("${", i)) {
        plain = false;
        code += "(";
        i = scan(i + 2, true);
        code += ")";
      } else i++;
    }
    return source.length;
  };
  const startsRegex = () =>
    /(^|[(,=:[!&|?{};+\-*%<>~^\n]|\b(return|typeof|case|of|in|await|yield))\s*$/.test(code.slice(-40)) &&
    !/<\s*$/.test(code.slice(-3));
  /** @param {number} at */
  const endOfRegex = (at) => {
    for (let i = at + 1, inClass = false; i < source.length && source[i] !== "\n"; i++) {
      if (source[i] === "\\") i++;
      else if (source[i] === "[") inClass = true;
      else if (source[i] === "]") inClass = false;
      else if (source[i] === "/" && !inClass) {
        code += "0";
        return i + 1;
      }
    }
    code += "/";
    return at + 1;
  };
  scan(0, false);
  return { code, strings };
}

/**
 * Broken arrows of one file, as lines `file:line area → target: what is allowed`.
 * @param {string} file relative to the checkout, with forward slashes @param {string} source
 * @returns {string[]}
 */
export function breachesOf(file, source) {
  const breaches = [];
  const folder = forbiddenFolders.exec(file);
  if (folder)
    breaches.push(
      `${file}:1 lies in a folder "${folder[2]}". Keep a helper beside its one user; at the second, name a folder after the idea.`,
    );
  const rule = rules.find(({ files }) => files.test(file));
  if (!rule) return breaches;
  const isTest = testFiles.test(file);
  for (const { specifier, line, typeOnly } of importsOf(source)) {
    const inside = specifier.startsWith(".");
    const target = inside ? posix.normalize(posix.join(posix.dirname(file), specifier)) : specifier;
    const allowed = inside
      ? insideAllowed(rule, file, target, { isTest, typeOnly })
      : packageAllowed(rule, specifier, { isTest, typeOnly });
    if (allowed) continue;
    const onlyTypes = inside && rule.types?.some((pattern) => pattern.test(target));
    const allowance = onlyTypes
      ? `only types of it may be named (import type)`
      : `${rule.area} may import ${rule.allowed}`;
    breaches.push(`${file}:${line} ${rule.area} → ${target} is not allowed: ${allowance}.`);
  }
  return breaches;
}

/** @param {import("./import-rules.mjs").Rule} rule @param {string} file @param {string} target @param {{ isTest: boolean, typeOnly: boolean }} how */
function insideAllowed(rule, file, target, { isTest, typeOnly }) {
  if (target.startsWith("../")) return false;
  const matches = (/** @type {RegExp} */ pattern) => {
    const match = pattern.exec(target);
    return match !== null && (match.groups?.own === undefined || match.groups.own === rule.files.exec(file)?.[1]);
  };
  if (rule.folders.some(matches) || (typeOnly && rule.types?.some(matches))) return true;
  return isTest && (testFolders.some(matches) || Boolean(rule.types?.some(matches)));
}

/** @param {import("./import-rules.mjs").Rule} rule @param {string} specifier @param {{ isTest: boolean, typeOnly: boolean }} how */
function packageAllowed(rule, specifier, { isTest, typeOnly }) {
  if (
    isTest ||
    (typeOnly &&
      rule.never?.some((pattern) => pattern.test(specifier)) &&
      rule.packages.some((pattern) => pattern.test(specifier)))
  )
    return true;
  return (
    rule.packages.some((pattern) => pattern.test(specifier)) && !rule.never?.some((pattern) => pattern.test(specifier))
  );
}

/** All broken arrows of a checkout. @param {string} [folder] @returns {{ files: number, breaches: string[] }} */
export function checkImports(folder = root) {
  const breaches = [];
  let files = 0;
  for (const area of checkedFolders) {
    for (const file of sourcesBelow(folder, area)) {
      files += 1;
      breaches.push(...breachesOf(file, readFileSync(join(folder, file), "utf8")));
    }
  }
  return { files, breaches };
}

/** @param {string} folder @param {string} path @returns {string[]} */
function sourcesBelow(folder, path) {
  let entries;
  try {
    entries = readdirSync(join(folder, path), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory()) return /^(node_modules|generated)$/.test(entry.name) ? [] : sourcesBelow(folder, inner);
    return /\.(m?[jt]sx?)$/.test(entry.name) ? [inner] : [];
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { files, breaches } = checkImports();
  for (const breach of breaches) say(breach);
  say(`${files} files, ${breaches.length} broken arrow${breaches.length === 1 ? "" : "s"}`);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}
