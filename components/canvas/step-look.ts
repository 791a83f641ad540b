import {
  ArrowRightLeft,
  CircleHelp,
  CopyMinus,
  Database,
  DatabaseZap,
  Filter,
  type LucideIcon,
  ShieldCheck,
  Split,
} from "lucide-react";
import type { Step } from "../../engine/flow/schema.ts";
import { definitionOf } from "../../engine/steps/registry.ts";

const icons: { [name: string]: LucideIcon } = {
  database: Database,
  "shield-check": ShieldCheck,
  filter: Filter,
  split: Split,
  "arrow-right-left": ArrowRightLeft,
  "copy-minus": CopyMinus,
};

/** Icon and tint of a step kind, as the registry names them; reading and writing are told apart by theirs. */
export function stepLook(kind: string): { icon: LucideIcon; tint: string } {
  if (!isKind(kind)) return { icon: CircleHelp, tint: "rose" };
  const { icon, tint } = definitionOf({ kind });
  return { icon: kind === "write" ? DatabaseZap : (icons[icon] ?? CircleHelp), tint };
}

const kinds: { [K in Step["kind"]]: true } = {
  read: true,
  check: true,
  filter: true,
  branch: true,
  map: true,
  dedupe: true,
  write: true,
};

export function isKind(kind: string): kind is Step["kind"] {
  return Object.hasOwn(kinds, kind);
}
