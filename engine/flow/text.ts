/** A flow as text: JSON or YAML in, YAML out. */
import { Document, isCollection, isMap, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { Problem } from "../steps/define-step.ts";
import { type Draft, readDraft } from "./read-draft.ts";
import type { Flow } from "./schema.ts";

const LONGEST = 10_000_000;

/** The data in a JSON or YAML text, or the problem with its line and column. Never throws. */
export function readFlowText(text: string): { ok: true; data: unknown } | { ok: false; problem: Problem } {
  if (text.length > LONGEST) {
    return refuse("expected at most 10,000,000 characters, found more", "Split the flow in several.");
  }
  if (/^\s*[{[]/.test(text)) {
    try {
      return { ok: true, data: JSON.parse(text) };
    } catch {
      // YAML's parser reads JSON too, and knows line and column in every browser
    }
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      version: "1.2",
      schema: "core",
      merge: false,
    });
    const error = document.errors[0];
    if (error) {
      const { line, col } = lines.linePos(error.pos[0]);
      const said = error.message.split("\n")[0]?.replace(/\.$/, "") ?? "it cannot be read";
      return refuse(
        `line ${line}, column ${col}: expected JSON or YAML, but ${lowerFirst(said)}`,
        "Correct the text at this place.",
      );
    }
    const data: unknown = document.toJS({ maxAliasCount: 100 });
    if (holdsItself(data)) throw new Error("a part of it refers to itself");
    return { ok: true, data };
  } catch (error) {
    const said = error instanceof Error ? lowerFirst(error.message) : "it cannot be read";
    return refuse(`expected JSON or YAML, but ${said}`, "Write the flow without such references.");
  }
}

/** YAML can write a list that is an item of itself; whoever walks through it would never come to an end. */
function holdsItself(value: unknown, above = new Set<unknown>(), seen = new Set<unknown>()): boolean {
  if (typeof value !== "object" || value === null || seen.has(value)) return false;
  if (above.has(value)) return true;
  above.add(value);
  const found = Object.values(value).some((part) => holdsItself(part, above, seen));
  above.delete(value);
  seen.add(value);
  return found;
}

function refuse(what: string, remedy: string): { ok: false; problem: Problem } {
  return { ok: false, problem: { step: "", message: `Flow, ${what}.`, remedy } };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** `parseFlow` for text. */
export function parseFlowText(text: string): { ok: true; flow: Flow } | { ok: false; problems: Problem[] } {
  const { flow, problems } = readDraftText(text);
  return problems.length === 0 ? { ok: true, flow } : { ok: false, problems };
}

/** `readDraft` for text. */
export function readDraftText(text: string): Draft {
  const read = readFlowText(text);
  if (read.ok) return readDraft(read.data);
  const empty = readDraft({ format: "plumbline/1", name: "Untitled flow" });
  return { ...empty, problems: [read.problem] };
}

const ONE_LINE = new Set(["rules", "fields", "links", "branches", "assumptions"]);

/** YAML with a fixed order of names, one line per rule, field mapping and link. Reads back to the same flow. */
export function flowToYaml(flow: Flow): string {
  const document = new Document(flow, { version: "1.2", schema: "core", aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, pair) {
      const name = (pair.key as { value?: unknown } | null)?.value;
      if (isSeq(pair.value) && typeof name === "string" && ONE_LINE.has(name)) {
        for (const item of pair.value.items) if (isCollection(item)) item.flow = true;
      } else if (isSeq(pair.value) && pair.value.items.every((item) => !isCollection(item))) pair.value.flow = true;
      else if (isMap(pair.value) && (name === "retry" || name === "stopAt")) pair.value.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}
