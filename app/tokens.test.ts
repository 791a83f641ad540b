import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

type Theme = "light" | "dark";

/** The two oklch colours of a token in globals.css. */
function token(name: string, theme: Theme): [number, number, number] {
  const css = readFileSync(new URL("./globals.css", import.meta.url), "utf8");
  const found = new RegExp(`--color-${name}: light-dark\\(oklch\\(([^)]+)\\), oklch\\(([^)]+)\\)\\)`).exec(css);
  if (!found) throw new Error(`globals.css has no token --color-${name}`);
  const [l, c, h] = found[theme === "light" ? 1 : 2]!.split(" ").map(Number);
  return [l!, c!, h!];
}

/** Relative luminance (WCAG 2) of an oklch colour. Matrices: Björn Ottosson, “A perceptual color space” (2020). */
function luminance([L, C, hue]: [number, number, number]): number {
  const [a, b] = [C * Math.cos((hue * Math.PI) / 180), C * Math.sin((hue * Math.PI) / 180)];
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string, theme: Theme): number {
  const [a, b] = [luminance(token(one, theme)), luminance(token(other, theme))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const grounds = ["ground", "surface", "sunken", "hover"];
const meanings = ["ok", "run", "warn", "bad", "dry", "idle", "accent"];
const textPairs: [string, string][] = [
  ...grounds.flatMap((ground) =>
    ["ink", "muted", "faint", "accent-text"].map((text): [string, string] => [text, ground]),
  ),
  ...meanings.flatMap((tone) =>
    [`${tone}-soft`, "surface", "ground", "hover"].map((ground): [string, string] => [`${tone}-text`, ground]),
  ),
  ...meanings.map((tone): [string, string] => ["ink", `${tone}-soft`]),
  ...meanings.map((tone): [string, string] => ["muted", `${tone}-soft`]),
  ["on-accent", "accent"],
  ["on-accent", "accent-strong"],
  ["on-bad", "bad-strong"],
];
const markPairs: [string, string][] = [
  ...grounds.map((ground): [string, string] => ["focus", ground]),
  ...["ok", "run", "bad", "dry"].map((tone): [string, string] => [tone, "surface"]),
];

describe.each<Theme>(["light", "dark"])("in the %s theme", (theme) => {
  it.each(textPairs)("%s can be read on %s (4.5 : 1)", (text, ground) => {
    expect(contrast(text, ground, theme)).toBeGreaterThanOrEqual(4.5);
  });
  it.each(markPairs)("%s is seen on %s (3 : 1)", (mark, ground) => {
    expect(contrast(mark, ground, theme)).toBeGreaterThanOrEqual(3);
  });
});
