"use client";
import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { Button, IconButton } from "./button.tsx";
import { cx } from "./cx.ts";

/** The look of a modal, for those that are made of other parts. */
export const modalBackdrop =
  "fixed inset-0 z-40 bg-overlay transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0";
export const modalPopup =
  "float-motion fixed z-40 flex flex-col bg-surface shadow-float outline-none max-sm:inset-x-0 max-sm:bottom-0 max-sm:max-h-[92dvh] max-sm:rounded-t-card sm:top-[min(14dvh,120px)] sm:left-1/2 sm:max-h-[78dvh] sm:-translate-x-1/2 sm:rounded-card";
const widths = { narrow: "sm:w-[420px]", normal: "sm:w-[560px]", wide: "sm:w-[min(920px,94vw)]" };

const taskControls = "input:enabled, textarea:enabled, [role=combobox], button:enabled, a[href]";

/**
 * A task that needs its own room. On a phone it comes up from below.
 * @param footer buttons, the primary one last
 */
export function Dialog({
  open,
  onClose,
  title,
  description,
  width = "normal",
  footer,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  width?: keyof typeof widths;
  footer?: ReactNode;
  children?: ReactNode;
}) {
  const popupBox = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={modalBackdrop} />
        <Base.Popup
          ref={popupBox}
          data-modal
          // The task first, never the cross that leaves it; under a finger no keyboard comes up unasked.
          initialFocus={(by) =>
            (by === "touch" ? null : body.current?.querySelector<HTMLElement>(taskControls)) ?? popupBox.current
          }
          className={cx(modalPopup, widths[width])}
        >
          <div className="flex items-start gap-3 border-b border-line px-4 py-3">
            <div className="min-w-0 flex-1">
              <Base.Title className="text-heading font-semibold text-ink">{title}</Base.Title>
              {description && (
                <Base.Description className="mt-0.5 text-work text-muted">{description}</Base.Description>
              )}
            </div>
            <Base.Close
              render={<IconButton label="Close" icon={X} className="-my-1 -mr-1.5 pointer-coarse:-my-2.5" />}
            />
          </div>
          <div ref={body} className="thin-scroll min-h-0 flex-1 overflow-y-auto p-4">
            {children}
          </div>
          {footer && (
            <div className="flex flex-wrap items-center justify-end gap-2 border-t border-line px-4 py-3">{footer}</div>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/**
 * Asks before something that is felt outside this screen.
 * @param title names the effect: “Undo run 118: 371 invoices go back to what they were”
 * @param action the verb on the button: “Undo 371 invoices”
 */
export function ConfirmDialog({
  open,
  onClose,
  title,
  children,
  action,
  onConfirm,
  danger,
  busy,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children?: ReactNode;
  /** absent: there is nothing to confirm, only to read */
  action?: string;
  onConfirm: () => void;
  danger?: boolean;
  busy?: boolean;
}) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={modalBackdrop} />
        <AlertDialog.Popup data-modal className={cx(modalPopup, widths.narrow)}>
          <div className="thin-scroll min-h-0 flex-1 overflow-y-auto p-4">
            <AlertDialog.Title className="text-heading font-semibold text-ink">{title}</AlertDialog.Title>
            {children && (
              <AlertDialog.Description render={<div />} className="mt-2 text-work text-muted">
                {children}
              </AlertDialog.Description>
            )}
          </div>
          <div className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">
            <Button large onClick={onClose}>
              {action ? "Leave it" : "Close"}
            </Button>
            {action && (
              <Button look={danger ? "danger" : "primary"} large busy={busy} onClick={onConfirm}>
                {action}
              </Button>
            )}
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
