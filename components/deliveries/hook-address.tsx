"use client";
import { CodeBlock } from "../ui/code.tsx";

/** The whole address of a flow's webhook, to copy. Whoever knows it may send, unless the flow asks for signatures. */
export function HookAddress({ path, className = "mb-3" }: { path: string; className?: string }) {
  const origin = typeof window === "undefined" ? "" : window.location.origin;
  return <CodeBlock label="address" text={`${origin}${path}`} wrap className={className} />;
}
