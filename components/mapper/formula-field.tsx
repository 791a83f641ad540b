"use client";
import {
  acceptCompletion,
  autocompletion,
  type CompletionContext,
  completionKeymap,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { Compartment, EditorState, type Range } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  keymap,
  placeholder,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import type { Field } from "../../connectors/sdk/types.ts";
import { completeAt } from "../../engine/mapping/complete.ts";
import { tokenize } from "../../engine/mapping/token.ts";
import { cx } from "../ui/cx.ts";

const theme = EditorView.theme({
  "&": { fontSize: "12px", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": {
    fontFamily: "var(--font-mono)",
    padding: "4px 0",
    caretColor: "var(--color-ink)",
    color: "var(--color-ink)",
  },
  ".cm-line": { padding: "0 8px" },
  ".cm-scroller": { overflowX: "auto", scrollbarWidth: "none", lineHeight: "20px" },
  ".cm-placeholder": { color: "var(--color-faint)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--color-accent-soft) !important",
  },
  ".cm-tooltip": {
    border: "none",
    borderRadius: "10px",
    backgroundColor: "var(--color-surface)",
    boxShadow: "var(--shadow-float)",
    overflow: "hidden",
    zIndex: "60",
  },
  ".cm-tooltip-autocomplete ul": { fontFamily: "var(--font-mono)", fontSize: "12px", maxHeight: "240px !important" },
  ".cm-tooltip-autocomplete ul li": { padding: "3px 8px !important", color: "var(--color-ink)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--color-hover) !important",
    color: "var(--color-ink) !important",
  },
  ".cm-completionDetail": { color: "var(--color-muted)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-completionInfo": {
    padding: "6px 8px",
    maxWidth: "280px",
    fontSize: "12px",
    fontFamily: "var(--font-sans)",
    color: "var(--color-muted)",
  },
  ".cm-completionIcon": { display: "none" },
});

const colours: { [kind: string]: string } = {
  number: "text-run-text",
  text: "text-ok-text",
  function: "text-dry-text",
  keyword: "text-run-text",
  name: "text-accent-text",
  operator: "text-muted",
  error: "text-bad-text underline decoration-wavy underline-offset-2",
};

const colouring = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = marksOf(view);
    }
    update(update: ViewUpdate) {
      if (update.docChanged) this.decorations = marksOf(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function marksOf(view: EditorView): DecorationSet {
  const marks = tokenize(view.state.doc.toString()).flatMap(({ kind, start, end }): Range<Decoration>[] => {
    const colour = colours[kind];
    return colour && end > start ? [Decoration.mark({ class: colour }).range(start, end)] : [];
  });
  return Decoration.set(marks);
}

/** Line breaks become blanks: a formula is one line. */
const oneLine = EditorState.transactionFilter.of((transaction) => {
  if (!transaction.docChanged || transaction.newDoc.lines === 1) return transaction;
  const text = transaction.newDoc.toString().replace(/\s*\n\s*/g, " ");
  return {
    changes: { from: 0, to: transaction.startState.doc.length, insert: text },
    selection: { anchor: text.length },
  };
});

/**
 * A formula in one line, coloured, with suggestions while typing. Wrong syntax is shown by the caller below it.
 *
 * @param fields what may be named; undefined when the shape is open
 * @param onDone Enter, or leaving the field
 */
export function FormulaField({
  value,
  onChange,
  fields,
  label,
  invalid,
  placeholder: hint = "",
  onDone,
  autoFocus,
}: {
  value: string;
  onChange: (value: string) => void;
  fields: readonly Field[] | undefined;
  label: string;
  invalid?: boolean;
  placeholder?: string;
  onDone?: () => void;
  autoFocus?: boolean;
}) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ onChange, onDone, fields, value });
  useEffect(() => {
    latest.current = { onChange, onDone, fields, value };
  });
  const attributes = useRef(new Compartment());

  useEffect(() => {
    const complete = (context: CompletionContext) => {
      const text = context.state.doc.toString();
      const { from, to, items } = completeAt(text, context.pos, latest.current.fields);
      if (items.length === 0 || (from === context.pos && !context.explicit && text[context.pos - 1] !== "."))
        return null;
      return {
        from,
        to,
        options: items.slice(0, 60).map((item, index) => ({
          label: item.label,
          detail: item.detail,
          info: item.summary,
          apply: item.insert,
          boost: 99 - index,
        })),
        filter: false,
      };
    };
    const finish = () => {
      latest.current.onDone?.();
      return true;
    };
    const editor = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          theme,
          history(),
          oneLine,
          colouring,
          placeholder(hint),
          autocompletion({ override: [complete], icons: false, activateOnTyping: true }),
          keymap.of([
            { key: "Tab", run: acceptCompletion },
            { key: "Ctrl-Space", run: startCompletion },
            ...completionKeymap,
            { key: "Enter", run: finish },
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          attributes.current.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
            if (update.focusChanged && !update.view.hasFocus) latest.current.onDone?.();
          }),
        ],
      }),
    });
    view.current = editor;
    if (autoFocus) editor.focus();
    return () => editor.destroy();
  }, [hint, autoFocus]);

  useEffect(() => {
    view.current?.dispatch({
      effects: attributes.current.reconfigure(
        EditorView.contentAttributes.of({
          "aria-label": label,
          "aria-invalid": String(Boolean(invalid)),
          "aria-multiline": "false",
        }),
      ),
    });
  }, [label, invalid]);

  // A value from outside (undo, another row) takes the place of what is typed; our own echo does not.
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  return (
    <div
      ref={box}
      className={cx(
        "min-h-7 w-full min-w-0 rounded-control border bg-surface focus-within:outline-2 focus-within:outline-offset-1 focus-within:outline-focus",
        invalid ? "border-bad" : "border-edge hover:border-faint",
      )}
    />
  );
}
