/** The audit log in words. Pure. */
type Entry = { action: string; subject?: string | null; subjectName?: string | null; detail?: unknown };
type Detail = { [name: string]: unknown };
/** “Orders”, or, when that is not known, what it is: a flow. */
type Called = (unnamed: string) => string;

/** What was done, with the name of the thing where the entry tells it. */
const sentences: { [action: string]: (detail: Detail, subject: string | null, called: Called) => string } = {
  "flow.create": ({ name }) => `Created ${named("the flow", name, "a flow")}`,
  "flow.edit": (_, __, called) => `Edited the draft of ${called("a flow")}`,
  "flow.publish": ({ version }, _, called) => `Published ${version ? `version ${version} of ` : ""}${called("a flow")}`,
  "flow.restore": ({ version }, _, called) =>
    version ? `Took version ${version} of ${called("a flow")} as its draft` : `Restored ${called("a flow")}`,
  "flow.pause": (_, __, called) => `Stopped ${called("a flow")}`,
  "flow.resume": (_, __, called) => `Resumed ${called("a flow")}`,
  "flow.remove": ({ name }) => `Removed ${named("the flow", name, "a flow")}`,
  "flow.undo": ({ run, since }, _, called) => `Undid all runs of ${called("a flow")} since ${since}: run ${run}`,
  "flow.secret": (_, __, called) => `Set the webhook secret of ${called("a flow")}`,
  "run.start": ({ run, mode }, _, called) =>
    mode === "dry" ? `Tried ${called("a flow")}: dry run ${run}` : `Started run ${run} of ${called("a flow")}`,
  "run.undo": (_, subject) => `Undid run ${subject}`,
  "run.cancel": ({ waits }, subject) =>
    waits === undefined ? `Cancelled run ${subject}` : `Cancelled the wait of ${waits} records of run ${subject}`,
  "letters.replay": () => "Replayed failed records",
  "letters.dismiss": () => "Dismissed failed records",
  "approval.answer": ({ decision }) => `Answered an approval${decision ? ` with ${decision}` : ""}`,
  "delivery.replay": () => "Replayed a delivery",
  "subscription.create": ({ name }) => `Added ${named("the subscriber", name, "a subscriber")}`,
  "subscription.change": () => "Changed a subscriber",
  "subscription.delete": () => "Removed a subscriber",
  "subscription.retry": () => "Sent a subscriber's deliveries again",
  "connection.create": ({ name }) => `Created ${named("the connection", name, "a connection")}`,
  "connection.update": ({ name }) => `Changed ${named("the connection", name, "a connection")}`,
  "connection.delete": ({ name }) => `Removed ${named("the connection", name, "a connection")}`,
  "connection.watch": (_, __, called) => `Let changes be recorded in ${called("a connection")}`,
  "connection.unwatch": (_, __, called) => `Stopped the recording of changes in ${called("a connection")}`,
  "person.invite": ({ email }) => `Invited ${email ?? "a person"}`,
  "person.uninvite": () => "Withdrew an invitation",
  "person.join": ({ email }) => `${email ?? "A person"} joined`,
  "person.role": ({ email }) => `Changed the role of ${email ?? "a person"}`,
  "person.password": () => "Changed their own password",
  "person.sessions": () => "Signed out on their other devices",
  "person.rename": () => "Changed their own name",
  "person.remove": ({ email }) => `Removed ${email ?? "a person"}`,
  "token.create": ({ name }) => `Created ${named("the API token", name, "an API token")}`,
  "token.delete": ({ name }) => `Removed ${named("the API token", name, "an API token")}`,
  "workspace.create": () => "Created the workspace",
  "workspace.rename": () => "Renamed the workspace",
  "workspace.update": () => "Changed how long things are kept",
};

function named(thing: string, name: unknown, unnamed: string): string {
  return typeof name === "string" ? `${thing} “${name}”` : unnamed;
}

/** “flow.publish” → “Published version 3 of “Orders””. Unknown actions are shown as they are named. */
export function auditWords({ action, subject = null, subjectName = null, detail }: Entry): string {
  const called: Called = (unnamed) => (subjectName === null ? unnamed : `“${subjectName}”`);
  return sentences[action]?.(asDetail(detail), subject, called) ?? action;
}

/** What the entry tells beyond its sentence, in a line: “note: EURO is EUR · before: 1”. */
export function auditDetail(entry: Entry): string {
  const said = auditWords(entry);
  return Object.entries(asDetail(entry.detail))
    .filter(([, value]) => !isNothing(value))
    .filter(
      ([, value]) =>
        typeof value === "object" || (!said.split(/[“” ]/).includes(String(value)) && !said.includes(`“${value}”`)),
    )
    .map(([name, value]) => `${name}: ${inWords(value)}`)
    .join(" · ");
}

/** A value in a line, with as few brackets as can be: “host 127.0.0.1, port 5432”. */
function inWords(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  return Object.entries(value)
    .filter(([, part]) => part !== null && part !== "")
    .map(([name, part]) => {
      if (isChange(part)) return `${name} ${changeInWords(part)}`;
      return typeof part === "object" && !Array.isArray(part)
        ? `${name} (${inWords(part)})`
        : `${name} ${inWords(part)}`;
    })
    .join(", ");
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function isChange(value: unknown): value is Detail {
  if (typeof value !== "object" || value === null) return false;
  const names = Object.keys(value);
  return names.length > 0 && names.every((name) => name === "before" || name === "after");
}

/** A setting that changed. What is kept to itself looks alike before and after. */
function changeInWords(change: Detail): string {
  const [before, after] = [inWords(change.before), inWords(change.after)];
  if (!("before" in change)) return `new: ${after}`;
  if (!("after" in change)) return `removed, was ${before}`;
  return before === after ? "changed" : `${before} → ${after}`;
}

/** The page of what was acted on, where it has one. */
export function auditHref({ action, subject = null, detail }: Entry): string | null {
  if (!subject || /\.(delete|remove)$/.test(action)) return null;
  const [noun] = action.split(".");
  // A start is about a flow; where it led is the run it made.
  const run = action === "run.start" ? asDetail(detail).run : subject;
  if (noun === "run") return run === undefined ? null : `/runs/${encodeURIComponent(String(run))}`;
  if (noun === "flow") return `/flows/${encodeURIComponent(subject)}`;
  return noun === "connection" ? `/connections?connection=${encodeURIComponent(subject)}` : null;
}

function asDetail(detail: unknown): Detail {
  return typeof detail === "object" && detail !== null ? (detail as Detail) : {};
}
