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
  arrived = false,
  busy,
  onClose,
  onDismiss,
}: {
  records: number;
  /** they may be in the target */
  arrived?: boolean;
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
      title={`Dismiss ${count(records, "record")}: ${records === 1 ? "it is" : "they are"} not sent ${arrived ? "again" : "any more"}`}
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
        <Textarea
          value={note}
          onChange={setNote}
          rows={3}
          placeholder={arrived ? "Found in the target" : "Test orders, agreed with Ana"}
        />
      </Field>
    </Dialog>
  );
}
