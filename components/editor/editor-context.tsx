"use client";
import { createContext, useContext } from "react";
import type { Flow, Step } from "../../engine/flow/schema.ts";
import type { Problem, Shape } from "../../engine/steps/define-step.ts";
import type { Note } from "../../server/trpc/contract/flows.ts";
import type { Command } from "./commands.ts";
import type { Places } from "./use-places.ts";

export type Shapes = { [stepId: string]: { input: Shape; output: { [port: string]: Shape } } };

export type EditorState = {
  flowId: string;
  flow: Flow;
  /** does a command, so that it can be undone; nothing when the person may only look */
  act: (command: Command) => void;
  readOnly: boolean;
  selected: string | null;
  select: (stepId: string | null) => void;
  openMapper: (stepId: string) => void;
  problems: Problem[];
  notes: (Note & { field?: string })[];
  shapes: Shapes;
  places: Places;
  /** which sample record is looked at, shared by the data drawer and the mapper */
  sample: number;
  setSample: (index: number) => void;
};

const EditorContext = createContext<EditorState | null>(null);
export const EditorProvider = EditorContext.Provider;

/** The flow being edited. Only below `EditorProvider`. */
export function useEditor(): EditorState {
  const editor = useContext(EditorContext);
  if (!editor) throw new Error("useEditor is called outside EditorProvider");
  return editor;
}

/** What is wrong with one step: all of it, or said beside one of its fields. */
export function useProblems(stepId: string) {
  const { problems } = useEditor();
  const own = problems.filter(({ step }) => step === stepId);
  return {
    all: own,
    /** the sentence and remedy to show beside a field; undefined when it is fine */
    of: (field: string) => say(own.find((problem) => problem.field === field)),
  };
}

/** “Step “Check”, field “email”: expected …” is shown beside the field, so the place is left out. */
export function say(problem: Problem | undefined): string | undefined {
  if (!problem) return undefined;
  const text = problem.message.replace(/^(Step “[^”]*”( \([^)]*\))?|Flow)(, field “[^”]*”)?(: |, )/, "");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} ${problem.remedy}`;
}

/** Fields that arrive at a step, an empty list while they are not known. */
export function useInput(step: Pick<Step, "id">): Shape {
  return useEditor().shapes[step.id]?.input ?? { fields: [], open: true };
}
