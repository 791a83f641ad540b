"use client";
import { CircleHelp } from "lucide-react";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { count } from "../ui/format.ts";
import { Notice } from "../ui/states.tsx";

/** What to do with records that may have arrived. */
export function MayHaveArrived({ records }: { records: number }) {
  const one = records === 1;
  return (
    <Notice tone="warn" icon={CircleHelp}>
      <span className="font-medium">{one ? "It may have arrived." : "They may have arrived."}</span> Look in the target
      first.{" "}
      {one
        ? "If it is there, dismiss it; if not, send it again."
        : "Dismiss those that are there, and send the others again."}
    </Notice>
  );
}

/** Asks once more before records that may have arrived are sent a second time. */
export function ResendDialog({
  records,
  busy,
  onClose,
  onSend,
}: {
  /** null: as many as there are */
  records: number | null;
  busy: boolean;
  onClose: () => void;
  onSend: () => void;
}) {
  const what = records === null ? "all of them" : count(records, "record");
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      danger
      busy={busy}
      title={`Send ${what} again: ${records === 1 ? "if it did arrive, it" : "what did arrive"} will be there twice`}
      action={`Send ${what} again`}
      onConfirm={onSend}
    >
      Nothing tells from here whether the first try arrived. Where the target knows the key of the first try it does no
      harm; otherwise look there before you send.
    </ConfirmDialog>
  );
}
