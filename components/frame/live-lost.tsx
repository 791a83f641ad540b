"use client";
import { WifiOff } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useLiveState } from "../server/live.tsx";
import { sayAway, staysHere } from "./stay.ts";

/** A stream that comes back at once, after a restart or a short cut, is nobody's concern. */
const PATIENCE_MS = 4_000;

function hearNetwork(listener: () => void) {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

/**
 * Says that what is on the screen no longer follows, for as long as Plumbline cannot be reached. Until then links lead nowhere.
 */
export function LiveLost() {
  const { connected } = useLiveState();
  const [silent, setSilent] = useState(false);
  useEffect(() => {
    if (connected) return setSilent(false);
    const timer = setTimeout(() => setSilent(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [connected]);
  // Without a network the browser knows at once; the stream only notices when something is sent over it.
  const offline = useSyncExternalStore(
    hearNetwork,
    () => !navigator.onLine,
    () => false,
  );
  const lost = silent || offline;
  useEffect(() => {
    sayAway(lost);
    if (!lost) return;
    const stay = (event: MouseEvent) => {
      const link = (event.target as HTMLElement | null)?.closest<HTMLAnchorElement>("a[href^='/']");
      if (!link || link.target === "_blank" || event.metaKey || event.ctrlKey) return;
      if (!staysHere()) return;
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("click", stay, { capture: true });
    return () => document.removeEventListener("click", stay, { capture: true });
  }, [lost]);
  return (
    <div role="status">
      {lost && (
        <p className="flex items-center justify-center gap-2 border-b border-line bg-warn-soft px-3 py-1 text-work text-ink">
          <WifiOff aria-hidden className="size-3.5 shrink-0 text-warn-text" />
          Plumbline does not answer, so nothing here is up to date. It is asked again by itself.
        </p>
      )}
    </div>
  );
}
