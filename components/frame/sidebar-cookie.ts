/** Remembers whether the sidebar is collapsed: "narrow" or "wide". */
export const sidebarCookie = "plumbline-sidebar";
