import { Cable, CircleAlert, House, type LucideIcon, Play, Settings, UserCheck, Workflow } from "lucide-react";

export type NavItem = { href: string; label: string; icon: LucideIcon; phone: boolean };

/** The pages of the first level, in the order of the sidebar. `phone`: has its place in the bottom bar, others are under More. */
export const navItems: NavItem[] = [
  { href: "/", label: "Home", icon: House, phone: true },
  { href: "/flows", label: "Flows", icon: Workflow, phone: false },
  { href: "/runs", label: "Runs", icon: Play, phone: true },
  { href: "/failed", label: "Failed", icon: CircleAlert, phone: true },
  { href: "/approvals", label: "Approvals", icon: UserCheck, phone: false },
  { href: "/connections", label: "Connections", icon: Cable, phone: false },
  { href: "/settings", label: "Settings", icon: Settings, phone: false },
];

/** How many things wait for somebody, by page. */
export type Waiting = { [href: string]: number };

/** Whether a page lies below this item: /runs/118 below Runs. */
export function isBelow(path: string, href: string): boolean {
  return href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
}
