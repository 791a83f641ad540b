"use client";
import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Textarea } from "../ui/input.tsx";

/** Records nobody needs to act on any more leave the list, with a word on why. */
export function DismissDialog({
  records,
  busy,
  onClose,
  onDismiss,
}: {
  records: number;
  busy: boolean;
  onClose: () => void;
  onDismiss: (note: string) => void;
}) {
  const [note, setNote] = useState("");
  const [asked, setAsked] = useState(false);
  const dismiss = () => (note.trim() === "" ? setAsked(true) : onDismiss(note.trim()));
  return (
    <Dialog
      open
      onClose={onClose}
      width="narrow"
      title={`Dismiss ${count(records, "record")}: ${records === 1 ? "it stays" : "they stay"} unwritten`}
      description="They leave this list and keep their data and your note. A new run may read them again."
      footer={
        <>
          <Button large onClick={onClose}>
            Leave {records === 1 ? "it" : "them"}
          </Button>
          <Button look="danger" large busy={busy} onClick={dismiss}>
            Dismiss {count(records, "record")}
          </Button>
        </>
      }
    >
      <Field
        label="Why"
        hint="The next person reads this in the record's history."
        error={asked && note.trim() === "" && "Say in a word why these need nothing more."}
      >
        <Textarea value={note} onChange={setNote} rows={3} placeholder="Test orders, agreed with Ana" />
      </Field>
    </Dialog>
  );
}
