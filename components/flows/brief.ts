/** The short brief of a new flow: six questions with suggestions, and the document it begins as. Pure. */

export const briefQuestions = [
  {
    field: "moves",
    label: "What moves?",
    hint: "Which records, from where to where.",
    placeholder: "Orders of the shop become invoices in the books",
  },
  { field: "direction", label: "In which direction?", placeholder: "One-way" },
  { field: "timing", label: "When?", placeholder: "Every 5 minutes" },
  {
    field: "onFailure",
    label: "What happens when something fails?",
    placeholder: "The record waits under Failed; others go on",
  },
  { field: "owner", label: "Who watches it?", hint: "An e-mail address.", placeholder: "ana@example.com" },
  { field: "rollback", label: "How is it undone?", placeholder: "Undo the run" },
] as const;

export type BriefField = (typeof briefQuestions)[number]["field"];
export type Brief = Record<BriefField, string>;
export const emptyBrief: Brief = { moves: "", direction: "", timing: "", onFailure: "", owner: "", rollback: "" };

/** What many answer, to take with one press. */
export function suggestions(
  field: BriefField,
  { connections, email }: { connections: string[]; email: string },
): string[] {
  switch (field) {
    case "moves":
      // Of many connections nobody can guess which two are meant.
      return (connections.length > 4 ? [] : pairs(connections)).map(([from, to]) => `Records of ${from} go to ${to}`);
    case "direction":
      return ["One-way", "Both ways; the newer change wins"];
    case "timing":
      return ["As soon as a record changes", "Every 5 minutes", "Every hour", "Every day at 6:00", "By hand"];
    case "onFailure":
      return [
        "The record waits under Failed until somebody corrects it; others go on",
        "Stop when more than a fifth fails",
      ];
    case "owner":
      return [email];
    case "rollback":
      return [
        "Undo the run: new records are deleted, changed ones get their old values back",
        "It cannot be undone; correct by hand",
      ];
  }
}

/** The schedule an answer to “When?” asks for, in so far as it can be read: “Every 5 minutes”, “every day at 6:00”. */
export function scheduleIn(timing: string, timeZone: string): { every?: string; cron?: string; timeZone?: string } {
  const said = timing.trim().toLowerCase();
  const [, hour, minute = "0"] = said.match(/^(?:every day|daily) at (\d{1,2})(?::(\d{2}))?$/) ?? [];
  if (hour !== undefined && Number(hour) < 24 && Number(minute) < 60)
    return { cron: `${Number(minute)} ${Number(hour)} * * *`, timeZone };
  const [, amount = "1", unit] = said.match(/^every (?:(\d{1,4}) )?(minute|hour|day|week)s?$/) ?? [];
  return unit === undefined || Number(amount) === 0 ? {} : { every: `${Number(amount)}${unit.charAt(0)}` };
}

/** Does an answer to “When?” ask for each change at once: “As soon as a record changes”, “real-time”? */
export const asksForChanges = (timing: string): boolean =>
  /\b(as soon as|real.?time|at once|immediately)\b/i.test(timing);

/** A few ways between two connections, each connection as a source once before any is one again. */
function pairs(connections: string[]): [string, string][] {
  const others = connections.slice(1).map((_, index) => index + 1);
  return others
    .flatMap((distance) =>
      connections.map((from, at): [string, string] => {
        const to = connections[(at + distance) % connections.length] as string;
        return [from, to];
      }),
    )
    .slice(0, 6);
}

/** A new flow: its name and brief, nothing on the canvas yet. Questions left open stay open until it is published. */
export function newFlowDocument(name: string, brief: Brief) {
  const answered = Object.entries(brief).filter(([, answer]) => answer.trim() !== "");
  return {
    format: "plumbline/1",
    name: name.trim(),
    brief: Object.fromEntries(answered.map(([field, answer]) => [field, answer.trim()])),
    steps: [],
    links: [],
  };
}

/**
 * A flow document from the text of a file, JSON or YAML.
 * @throws Error saying what was expected, for the person who chose the file
 */
export async function readDocumentFile(text: string): Promise<{ [part: string]: unknown }> {
  const { parse } = await import("yaml");
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    const where = cause instanceof Error ? cause.message.split("\n")[0]?.replace(/:$/, "") : String(cause);
    throw new Error(`Expected a flow document in JSON or YAML, but it cannot be read: ${where}`, { cause });
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new Error(
      "Expected a flow document with format, name, steps and links. Choose a file that was exported from a flow.",
    );
  }
  return document as { [part: string]: unknown };
}
