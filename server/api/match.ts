import type { Method, Route } from "./route.ts";

type Compiled = { segments: string[]; byMethod: Map<Method, Route> };
export type Match =
  | { kind: "route"; route: Route; params: { [name: string]: string } }
  /** `open`: what is possible there needs no token */
  | { kind: "wrong-method"; allowed: Method[]; open: boolean }
  | { kind: "unknown-path" };

/** Finds the route of a request. A fixed segment wins over a parameter: `/dead-letters/groups` over `/dead-letters/:id`. */
export function makeMatcher(routes: Route[]): (method: string, path: string) => Match {
  const paths = new Map<string, Compiled>();
  for (const route of routes) {
    const shape = route.path.replaceAll(/:[^/]+/g, ":");
    const known = paths.get(shape) ?? { segments: route.path.split("/").slice(1), byMethod: new Map() };
    if (known.byMethod.has(route.method)) throw new Error(`Two routes for ${route.method} ${route.path}`);
    known.byMethod.set(route.method, route);
    paths.set(shape, known);
  }
  const ordered = [...paths.values()].sort((a, b) => fixed(b) - fixed(a));

  return (method, path) => {
    const parts = path.split("/").slice(1);
    const found = ordered.find(({ segments }) => fits(segments, parts));
    if (!found) return { kind: "unknown-path" };
    const route = found.byMethod.get((method === "HEAD" ? "GET" : method) as Method);
    if (!route) {
      const possible = [...found.byMethod.values()];
      const open = possible.every(({ role }) => role === "public");
      return { kind: "wrong-method", allowed: possible.map((one) => one.method), open };
    }
    const names = route.path.split("/").slice(1);
    const params: { [name: string]: string } = {};
    for (const [index, name] of names.entries())
      if (name.startsWith(":")) params[name.slice(1)] = decode(parts[index] ?? "");
    return { kind: "route", route, params };
  };
}

const fixed = ({ segments }: Compiled) => segments.filter((segment) => !segment.startsWith(":")).length;

function fits(segments: string[], parts: string[]): boolean {
  if (segments.length !== parts.length) return false;
  return segments.every((segment, index) => (segment.startsWith(":") ? parts[index] !== "" : segment === parts[index]));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % is then simply part of an id that does not exist
  }
}
