import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { Frame } from "../../components/frame/frame.tsx";
import { sidebarCookie } from "../../components/frame/sidebar-cookie.ts";

export default async function WorkspaceLayout({ children }: { children: ReactNode }) {
  const narrow = (await cookies()).get(sidebarCookie)?.value === "narrow";
  return <Frame narrowSidebar={narrow}>{children}</Frame>;
}
