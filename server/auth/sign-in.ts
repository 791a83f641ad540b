import { type Database, getDatabase } from "../db/prisma.ts";
import { foreignOrigin, originOf } from "../request-origin.ts";
import { authFor } from "./auth.ts";

type Exchange = { headers: Headers; responseHeaders: Headers };

/** Signs a person in: puts the session cookie into the response. */
export async function signIn(
  database: Pick<Database, "db">,
  { email, password }: { email: string; password: string },
  { headers, responseHeaders }: Exchange,
): Promise<void> {
  const result = await authFor(database).api.signInEmail({ body: { email, password }, headers, returnHeaders: true });
  for (const cookie of result.headers.getSetCookie())
    responseHeaders.append("set-cookie", asSecureAs(originOf(headers), cookie));
}

/** A cookie is marked Secure when the browser came by https; by http it would not be sent back. */
function asSecureAs(origin: string, cookie: string): string {
  return origin.startsWith("https:") && !/;\s*secure/i.test(cookie) ? `${cookie}; Secure` : cookie;
}

/** Answers /api/auth/*: sign in, sign out (here, or on all other devices), change the password. */
export async function handleAuth(request: Request, database: Pick<Database, "db"> = getDatabase()): Promise<Response> {
  const refusal = foreignOrigin(request);
  if (refusal) return refusal;
  const origin = originOf(request.headers);
  const { pathname, search } = new URL(request.url);
  const seen = new Request(`${origin}${pathname}${search}`, request); // as the browser wrote it, whatever is in front
  const response = await authFor(database).handler(seen);
  const cookies = response.headers.getSetCookie();
  if (cookies.length === 0 || origin.startsWith("http:")) return response;
  const headers = new Headers(response.headers);
  headers.delete("set-cookie");
  for (const cookie of cookies) headers.append("set-cookie", asSecureAs(origin, cookie));
  return new Response(response.body, { status: response.status, headers });
}
