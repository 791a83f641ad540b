/** People, tokens and the audit log, as the screens get them. */

export type Role = "viewer" | "builder" | "operator" | "admin" | "owner";

export type Me = {
  user: { id: string; name: string; email: string };
  workspace: { id: string; name: string };
  role: Role;
} | null;

/** `otherDevices`: where else this person is signed in. */
export type OwnAccount = { name: string; email: string; otherDevices: number };

export type Person = { userId: string; name: string; email: string; role: Role; since: string };

export type PendingInvitation = { id: string; email: string; role: Role; expiresAt: string };

export type ApiTokenItem = {
  id: string;
  name: string;
  role: Role;
  hint: string;
  createdBy: string;
  createdAt: string;
  lastUsedAt: string | null;
};

export type AuditItem = {
  id: string;
  at: string;
  actor: string;
  action: string;
  subject: string | null;
  /** what the flow or connection acted on is called now; null when it is gone, or it was something else */
  subjectName: string | null;
  detail: unknown;
};
