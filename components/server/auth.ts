/** Signing in and out. The session is a cookie the server sets; nothing of it is kept here. */

/** @returns null when signed in, else why not, for the person */
export async function signIn(email: string, password: string): Promise<string | null> {
  const answer = await post("/api/auth/sign-in/email", { email, password });
  if (answer === null) return unreachable;
  if (answer.ok) return null;
  if (answer.status === 401 || answer.status === 403)
    return "E-mail and password do not belong together. Check both, or ask an admin to invite you again.";
  if (answer.status === 429) return "Too many attempts. Wait a minute, then try again.";
  const body = (await answer.json().catch(() => null)) as { message?: string } | null;
  return body?.message ?? `Signing in failed with status ${answer.status}. Try again.`;
}

export async function signOut(): Promise<void> {
  await post("/api/auth/sign-out", {});
  window.location.assign("/sign-in");
}

/** @returns null when changed, else why not, for the person */
export async function changePassword(change: {
  currentPassword: string;
  newPassword: string;
  /** signs out everywhere but here */
  revokeOtherSessions: boolean;
}): Promise<string | null> {
  const answer = await post("/api/auth/change-password", change);
  if (answer === null) return unreachable;
  if (answer.ok) return null;
  if (answer.status === 401) return "You are signed out. Sign in again, then change your password.";
  if (answer.status === 429) return "Too many attempts. Wait a minute, then try again.";
  const body = (await answer.json().catch(() => null)) as { code?: string; message?: string } | null;
  if (body?.code === "INVALID_PASSWORD") return "That is not your password of now. Type the one you signed in with.";
  return body?.message ?? `The password could not be changed: the answer was ${answer.status}. Try again.`;
}

/** Ends every session of the person but this one. @returns null when done, else why not, for the person */
export async function signOutElsewhere(): Promise<string | null> {
  const answer = await post("/api/auth/revoke-other-sessions", {});
  if (answer === null) return unreachable;
  return answer.ok ? null : `The answer was ${answer.status}. Reload the page, then try again.`;
}

const unreachable = "Plumbline did not answer. Check that it is running, then try again.";

async function post(url: string, body: unknown): Promise<Response | null> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return fetch(url, init).catch(() => null);
}
