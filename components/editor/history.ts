import type { Flow } from "../../engine/flow/schema.ts";
import { applyCommand, type Command, typingOf } from "./commands.ts";

export type History = {
  past: Flow[];
  now: Flow;
  future: Flow[];
  /** what is being typed, and when its last letter came (ms) */
  typing: { what: string; at: number } | null;
};

export type HistoryAction =
  | { type: "do"; command: Command; at: number }
  | { type: "undo" }
  | { type: "redo" }
  /** the document as the server has it; nothing before it can be brought back */
  | { type: "load"; flow: Flow };

const mostSteps = 200;
const pauseMs = 1_200;

export function newHistory(flow: Flow): History {
  return { past: [], now: flow, future: [], typing: null };
}

/** Does, undoes and does again. Letters typed into one field without a pause are undone together. */
export function historyReducer(history: History, action: HistoryAction): History {
  switch (action.type) {
    case "do": {
      const now = applyCommand(history.now, action.command);
      if (now === history.now) return history;
      const what = typingOf(action.command);
      const goesOn = what !== null && history.typing?.what === what && action.at - history.typing.at < pauseMs;
      return {
        past: goesOn ? history.past : [...history.past, history.now].slice(-mostSteps),
        now,
        future: [],
        typing: what === null ? null : { what, at: action.at },
      };
    }
    case "undo": {
      const before = history.past.at(-1);
      if (!before) return history;
      return { past: history.past.slice(0, -1), now: before, future: [history.now, ...history.future], typing: null };
    }
    case "redo": {
      const [next, ...future] = history.future;
      if (!next) return history;
      return { past: [...history.past, history.now], now: next, future, typing: null };
    }
    case "load":
      return newHistory(action.flow);
  }
}
