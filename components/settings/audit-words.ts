const verbs: { [verb: string]: string } = {
  create: "Created",
  update: "Changed",
  save: "Saved",
  delete: "Removed",
  remove: "Removed",
  publish: "Published",
  restore: "Restored",
  pause: "Stopped",
  resume: "Resumed",
  start: "Started",
  cancel: "Cancelled",
  undo: "Undid",
  replay: "Replayed",
  dismiss: "Dismissed",
  invite: "Invited",
  role: "Changed the role of",
  rename: "Renamed",
  check: "Checked",
  watch: "Let changes be recorded in",
  unwatch: "Stopped the recording of changes in",
};
const nouns: { [noun: string]: string } = {
  flow: "a flow",
  run: "a run",
  letters: "failed records",
  connection: "a connection",
  person: "a person",
  token: "an API token",
  workspace: "the workspace",
  invitation: "an invitation",
};

/** “flow.publish” → “Published a flow”, “run.undo” of 14 → “Undid run 14”. Unknown actions are shown as they are named. */
export function auditWords(action: string, subject: string | null = null): string {
  if (action === "person.join") return "A person joined";
  const [noun = "", verb = ""] = action.split(".");
  const said = verbs[verb];
  const of = noun === "run" && subject ? `run ${subject}` : nouns[noun];
  return said && of ? `${said} ${of}` : action;
}

/** The page of what was acted on, where it has one. */
export function auditHref(action: string, subject: string | null): string | null {
  if (!subject || /\.(delete|remove)$/.test(action)) return null;
  const [noun] = action.split(".");
  if (noun === "run") return `/runs/${encodeURIComponent(subject)}`;
  if (noun === "flow") return `/flows/${encodeURIComponent(subject)}`;
  return noun === "connection" ? `/connections?connection=${encodeURIComponent(subject)}` : null;
}
