/**
 * The origin a browser sees: `http://127.0.0.1:3000`, `https://flows.example.com`. Behind a proxy that is what
 * X-Forwarded-Proto and X-Forwarded-Host say. (A foreign page cannot set these headers, so trusting them opens no way
 * around the same-origin check.)
 */
export function originOf(headers: Headers): string {
  const first = (name: string) => headers.get(name)?.split(",")[0]?.trim();
  const protocol = first("x-forwarded-proto") === "https" ? "https" : "http";
  return `${protocol}://${first("x-forwarded-host") || first("host") || "localhost"}`;
}

/**
 * Did this request come from one of our own pages? Browsers name the page's origin on every request that changes
 * something; programs that are not browsers name none and carry no cookies of a person who is browsing.
 */
function isSameOrigin(headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin) return origin === originOf(headers);
  const site = headers.get("sec-fetch-site");
  return site === null || site === "same-origin" || site === "none";
}

/** The refusal (403 `foreign-origin`) of a request that would change something and was made on a page of another origin. */
export function foreignOrigin({ method, headers }: Request): Response | undefined {
  if (method === "GET" || method === "HEAD" || isSameOrigin(headers)) return undefined;
  const message = "This request was made on a page of another origin, so it was refused. Open Plumbline itself.";
  return Response.json({ error: { code: "foreign-origin", message } }, { status: 403 });
}
