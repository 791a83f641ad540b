"use client";
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { readFailure } from "../server/failure.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";
import { afterUndo, type Noun, undoEffect } from "./run-words.ts";
import { UndoPreview, type UndoPreviewRun } from "./undo-preview.tsx";

/** The question whether an undo shall be done, its effect named by the preview: records can be put back only once it is there. */
export function UndoAsk({
  title,
  before,
  noun,
  preview,
  asked,
  undo,
  ready = true,
  onLook,
  onUndo,
  onClose,
  children,
}: {
  title: string;
  /** said as long as there is no preview */
  before: string;
  /** what the records are called; “record” when absent */
  noun?: Noun;
  preview: UndoPreviewRun;
  /** the question for the preview; idle: it was not asked for yet */
  asked: { isIdle: boolean; error: unknown };
  undo: { isPending: boolean; isSuccess: boolean; error: unknown };
  /** whether what is undone is chosen */
  ready?: boolean;
  onLook: () => void;
  onUndo: () => void;
  onClose: () => void;
  /** what is chosen before */
  children?: ReactNode;
}) {
  const { id, found } = preview;
  const restorable = found?.undoCounts.restored ?? 0;
  const next = restorable > 0 ? afterUndo(found?.document) : undefined;
  return (
    <Dialog
      open
      onClose={onClose}
      width="wide"
      title={title}
      description={found ? undoEffect(found.undoCounts, noun) : before}
      footer={
        <>
          {id && (
            <ButtonLink look="quiet" large href={`/runs/${id}`} className="mr-auto">
              See every change
            </ButtonLink>
          )}
          <Button large onClick={onClose}>
            Leave it
          </Button>
          <Button
            look="primary"
            disabled={restorable === 0 || !ready}
            busy={undo.isPending || undo.isSuccess}
            onClick={onUndo}
          >
            {found ? `Put back ${count(restorable, noun?.one ?? "record", noun?.many)}` : "Put back"}
          </Button>
        </>
      }
    >
      {children}
      {undo.error !== null && (
        <div className="mb-3">
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(undo.error).message}
          </Notice>
        </div>
      )}
      {(id !== null || !asked.isIdle) && (
        <UndoPreview
          preview={preview}
          failure={asked.error ? readFailure(asked.error).message : null}
          onRetry={onLook}
        />
      )}
      {next && <p className="mt-4 text-work text-muted">{next}</p>}
    </Dialog>
  );
}
