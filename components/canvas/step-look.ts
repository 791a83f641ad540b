import {
  ArrowRightLeft,
  CircleHelp,
  CopyMinus,
  Database,
  DatabaseZap,
  Filter,
  Group,
  Hourglass,
  ListTree,
  type LucideIcon,
  Megaphone,
  Radio,
  Search,
  ShieldCheck,
  Split,
  UserCheck,
  Webhook,
} from "lucide-react";
import type { Step } from "../../engine/flow/schema.ts";
import { definitionOf, stepDefinitions } from "../../engine/steps/registry.ts";

const icons: { [name: string]: LucideIcon } = {
  database: Database,
  "shield-check": ShieldCheck,
  filter: Filter,
  split: Split,
  webhook: Webhook,
  radio: Radio,
  megaphone: Megaphone,
  search: Search,
  "list-tree": ListTree,
  group: Group,
  hourglass: Hourglass,
  "user-check": UserCheck,
  "arrow-right-left": ArrowRightLeft,
  "copy-minus": CopyMinus,
};

/** Icon and tint of a step kind, as the registry names them; reading and writing are told apart by theirs. */
export function stepLook(kind: string): { icon: LucideIcon; tint: string } {
  if (!isKind(kind)) return { icon: CircleHelp, tint: "rose" };
  const { icon, tint } = definitionOf({ kind });
  return { icon: kind === "write" ? DatabaseZap : (icons[icon] ?? CircleHelp), tint };
}

export function isKind(kind: string): kind is Step["kind"] {
  return stepDefinitions.some((definition) => definition.kind === kind);
}
