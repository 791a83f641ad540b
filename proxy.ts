import { type NextRequest, NextResponse } from "next/server";
import { pagePolicy } from "./server/security-headers.ts";

/** Gives each page its own nonce; Next finds it in the request's policy and puts it on its scripts. */
export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  const https = request.headers.get("x-forwarded-proto")?.split(",")[0]?.trim() === "https";
  const policy = pagePolicy(nonce, { https, development: process.env.NODE_ENV === "development" });
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

/** Pages only: what the server serves as files, and the interfaces, carry the closed policy of server/main.ts. */
export const config = {
  matcher: [{ source: "/((?!api/|hooks/|_next/static|_next/image|favicon.ico|icon).*)" }],
};
