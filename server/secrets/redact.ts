/** what stands where a secret stood */
export const HIDDEN = "•••";

/** The texts inside a credentials object, longest first; very short ones (a flag, a port) are left out. */
export function secretTexts(credentials: unknown): string[] {
  if (typeof credentials === "string") return credentials.length >= 4 ? [credentials] : [];
  if (typeof credentials !== "object" || credentials === null) return [];
  return Object.values(credentials)
    .flatMap(secretTexts)
    .sort((a, b) => b.length - a.length);
}

/** `text` without any of `secrets`, also as they look in a URL. */
export function redact(text: string, secrets: string[]): string {
  let clean = text;
  for (const secret of secrets)
    for (const form of new Set([secret, encodeURIComponent(secret)])) clean = clean.replaceAll(form, HIDDEN);
  return clean;
}
