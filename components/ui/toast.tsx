"use client";
import { Toast as Base } from "@base-ui/react/toast";
import { CircleAlert, CircleCheck, Info, X } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx.ts";

type Kind = "done" | "failed" | "info";
const manager = Base.createToastManager<{ kind: Kind }>();

/**
 * Says briefly what happened, from anywhere. A failure stays until it is closed.
 * @param action a way back or onward, such as { label: "Open the run", onClick }
 * @param about what it speaks of; what was said of the same before goes, so that the two cannot contradict each other
 */
export function toast({
  about,
  title,
  description,
  kind = "done",
  action,
}: {
  about?: string;
  title: string;
  description?: string;
  kind?: Kind;
  action?: { label: string; onClick: () => void };
}) {
  manager.add({
    ...(about !== undefined && { id: about }),
    title,
    description,
    type: kind,
    data: { kind },
    timeout: kind === "failed" ? 0 : 6000,
    priority: kind === "failed" ? "high" : "low",
    actionProps: action && { children: action.label, onClick: action.onClick },
  });
}

const icons = { done: CircleCheck, failed: CircleAlert, info: Info };
const tints = { done: "text-ok-text", failed: "text-bad-text", info: "text-run-text" };

function ToastList() {
  const { toasts } = Base.useToastManager<{ kind: Kind }>();
  return toasts.map((one) => {
    const kind = one.data?.kind ?? "info";
    const Icon = icons[kind];
    return (
      <Base.Root
        data-toast
        key={one.id}
        toast={one}
        // A failure is announced by a region of its own; hidden from readers, its buttons could be reached but not named.
        aria-hidden={false}
        className="animate-rise rounded-card bg-surface p-3 shadow-float transition-opacity data-limited:hidden data-ending-style:opacity-0"
      >
        <Base.Content className="flex items-start gap-2.5">
          <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", tints[kind])} />
          <div className="min-w-0 flex-1">
            <Base.Title className="text-work font-medium text-ink" />
            <Base.Description className="text-work break-words text-muted" />
            <Base.Action className="mt-1.5 text-work font-medium text-accent-text underline-offset-2 hover:underline" />
          </div>
          <Base.Close
            aria-label="Close this message"
            aria-hidden={false}
            className="-m-1 flex size-6 shrink-0 items-center justify-center rounded-mark text-muted hover:bg-hover hover:text-ink"
          >
            <X aria-hidden className="size-3.5" />
          </Base.Close>
        </Base.Content>
      </Base.Root>
    );
  });
}

/** Stands once, around everything. */
export function ToastProvider({ children }: { children: ReactNode }) {
  return (
    <Base.Provider toastManager={manager} limit={4}>
      {children}
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-4 z-50 flex w-[min(360px,calc(100vw-2rem))] flex-col gap-2 outline-none max-sm:bottom-18">
          <ToastList />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}
