"use client";
import { type Dispatch, useEffect } from "react";
import { keysAreTaken } from "../ui/table-keys.ts";
import type { HistoryAction } from "./history.ts";

/**
 * Undo and redo from anywhere but a text, which has its own; Escape leaves the chosen step.
 * @param select null while Escape belongs to something that lies over the canvas
 */
export function useEditorKeys(dispatch: Dispatch<HistoryAction>, select: ((stepId: string | null) => void) | null) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const inText = (event.target as HTMLElement | null)?.closest("input, textarea, [contenteditable=true]");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !inText) {
        event.preventDefault();
        dispatch({ type: event.shiftKey ? "redo" : "undo" });
      } else if (event.key === "Escape" && !keysAreTaken(event)) select?.(null);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [dispatch, select]);
}
