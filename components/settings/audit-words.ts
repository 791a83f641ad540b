/** “flow.publish” → “Published a flow”. Unknown actions are shown as they are named. */
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
  join: "Joined:",
  role: "Changed the role of",
  rename: "Renamed",
  check: "Checked",
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

export function auditWords(action: string): string {
  const [noun = "", verb = ""] = action.split(".");
  const said = verbs[verb];
  const of = nouns[noun];
  return said && of ? `${said} ${of}` : action;
}
