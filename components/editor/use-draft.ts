"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { readDraft } from "../../engine/flow/read-draft.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import { withPlaces } from "../canvas/arrange.ts";
import { useLive } from "../server/live.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import type { Command } from "./commands.ts";
import { historyReducer, newHistory } from "./history.ts";
import { useAutosave } from "./use-autosave.ts";

type Detail = Outputs["flows"]["get"];

/** The draft under the hand: done, undone, saved as it changes, and taken anew when somebody else changed it meanwhile. */
export function useDraft(detail: Detail, readOnly: boolean) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const flowId = detail.id;
  const [first] = useState(() => readDraft(detail.document));
  const [history, dispatch] = useReducer(historyReducer, first.flow, (flow) => newHistory(withPlaces(flow)));
  const [broken, setBroken] = useState(first.broken);
  const flow = history.now;
  const document = useMemo(() => withBroken(flow, broken), [flow, broken]);
  const save = useAutosave({ flowId, document, revision: detail.revision, enabled: !readOnly });

  const act = useCallback(
    (command: Command) => {
      if (!readOnly) dispatch({ type: "do", command, at: Date.now() });
    },
    [readOnly],
  );
  // A draft saved elsewhere takes our place while we have nothing unsaved; otherwise saving will tell.
  const load = useCallback((fresh: Detail) => {
    const draft = readDraft(fresh.document);
    setBroken(draft.broken);
    dispatch({ type: "load", flow: withPlaces(draft.flow) });
    pendingLoad.current = fresh.revision;
  }, []);
  const pendingLoad = useRef<number | null>(null);
  useEffect(() => {
    if (pendingLoad.current === null) return;
    save.accept(document, pendingLoad.current);
    pendingLoad.current = null;
  }, [document, save.accept]);
  useEffect(() => {
    if (detail.revision > save.revisionNow() && save.isClean()) load(detail);
  }, [detail, load, save.revisionNow, save.isClean]);
  const heard = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive((event) => {
    if (event.type !== "flow" || event.flowId !== flowId) return;
    clearTimeout(heard.current);
    heard.current = setTimeout(() => queries.invalidateQueries(trpc.flows.get.queryFilter({ flowId })), 900);
  });
  useEffect(() => () => clearTimeout(heard.current), []);

  return { flow, broken, setBroken, first, history, dispatch, act, save, load };
}

/** The document to save: steps that could not be read stay in it as they came. */
function withBroken(flow: Flow, broken: { raw: unknown }[]): object {
  return broken.length === 0 ? { ...flow } : { ...flow, steps: [...flow.steps, ...broken.map(({ raw }) => raw)] };
}
