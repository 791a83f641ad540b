"use client";
import { useCallback, useEffect, useRef, useState } from "react";
import { readFailure } from "../server/failure.ts";
import { useTRPCClient } from "../server/trpc.ts";

export type SaveState =
  | { kind: "saved" }
  | { kind: "unsaved" }
  | { kind: "saving" }
  /** somebody else saved since we read the draft */
  | { kind: "conflict" }
  | { kind: "failed"; why: string };

const delayMs = 600;
const againMs = 5_000;

/**
 * Keeps the draft on the server: 600 ms after the last change, only over the revision this edit started from.
 *
 * @param document a new object for every change; the same object means nothing to save
 * @param enabled false for people who may only look
 */
export function useAutosave({
  flowId,
  document,
  revision: first,
  enabled,
}: {
  flowId: string;
  document: object;
  revision: number;
  enabled: boolean;
}) {
  const client = useTRPCClient();
  const [state, setState] = useState<SaveState>({ kind: "saved" });
  const latest = useRef(document);
  const saved = useRef(document);
  const revision = useRef(first);
  const running = useRef<Promise<boolean> | null>(null);

  /** Saves what is not saved. @returns whether the server has what is on the screen */
  const flush = useCallback(async (): Promise<boolean> => {
    while (running.current) await running.current;
    if (latest.current === saved.current) return true;
    const sent = latest.current;
    setState({ kind: "saving" });
    const job = client.flows.saveDraft
      .mutate({ flowId, document: sent as { [name: string]: unknown }, revision: revision.current })
      .then(
        (answer) => {
          revision.current = answer.revision;
          saved.current = sent;
          setState({ kind: latest.current === sent ? "saved" : "unsaved" });
          return true;
        },
        (error: unknown) => {
          const { status, message } = readFailure(error);
          setState(status === 409 ? { kind: "conflict" } : { kind: "failed", why: message });
          return false;
        },
      );
    running.current = job;
    const done = await job;
    running.current = null;
    return done && latest.current !== sent ? flush() : done;
  }, [client, flowId]);

  useEffect(() => {
    latest.current = document;
    if (!enabled || document === saved.current) return;
    setState((now) => (now.kind === "conflict" || now.kind === "saving" ? now : { kind: "unsaved" }));
    const timer = setTimeout(() => {
      if (stateRef.current !== "conflict") flush();
    }, delayMs);
    return () => clearTimeout(timer);
  }, [document, enabled, flush]);

  const stateRef = useRef(state.kind);
  useEffect(() => {
    stateRef.current = state.kind;
    if (state.kind !== "failed") return;
    const timer = setTimeout(flush, againMs);
    return () => clearTimeout(timer);
  }, [state, flush]);

  useEffect(() => {
    const leave = (event: BeforeUnloadEvent) => {
      if (latest.current === saved.current) return;
      flush();
      event.preventDefault();
    };
    window.addEventListener("beforeunload", leave);
    return () => {
      window.removeEventListener("beforeunload", leave);
      if (stateRef.current !== "conflict") flush();
    };
  }, [flush]);

  /** The draft as the server has it took the place of ours. */
  const accept = useCallback((loaded: object, at: number) => {
    latest.current = loaded;
    saved.current = loaded;
    revision.current = at;
    setState({ kind: "saved" });
  }, []);

  /** From now on our edits go over this revision. */
  const rebase = useCallback((at: number) => {
    revision.current = at;
    setState({ kind: latest.current === saved.current ? "saved" : "unsaved" });
  }, []);

  const isClean = useCallback(() => latest.current === saved.current && running.current === null, []);
  const revisionNow = useCallback(() => revision.current, []);
  return { state, flush, accept, rebase, isClean, revisionNow };
}
