import type { ReactNode } from "react";
import { Logo } from "../frame/logo.tsx";

/** The one card of a page for people who are not signed in. */
export function AccountCard({
  title,
  sentence,
  children,
}: {
  title: string;
  sentence: ReactNode;
  children?: ReactNode;
}) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center bg-ground px-4 py-10">
      <div className="w-full max-w-[380px]">
        <div className="mb-6 flex items-center gap-2.5 text-heading font-semibold tracking-tight text-ink">
          <Logo className="size-8" />
          Plumbline
        </div>
        <div className="rounded-card border border-line bg-surface p-6">
          <h1 className="text-title font-semibold tracking-tight text-ink">{title}</h1>
          <p className="mt-1 mb-5 text-body text-muted">{sentence}</p>
          {children}
        </div>
      </div>
    </main>
  );
}
