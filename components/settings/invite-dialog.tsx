"use client";
import { useMutation } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { type FormEvent, useState } from "react";
import type { Role } from "../../server/trpc/contract/people.ts";
import { emailProblem } from "../accounts/account-rules.ts";
import { readFailure } from "../server/failure.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { CodeBlock } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { type Option, Select } from "../ui/select.tsx";
import { Notice } from "../ui/states.tsx";

/** Makes a link for one person. It is shown once; we send no e-mail. */
export function InviteDialog({
  roles,
  onClose,
  onInvited,
}: {
  roles: Option<Role>[];
  onClose: () => void;
  onInvited: () => void;
}) {
  const trpc = useTRPC();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("builder");
  const [asked, setAsked] = useState(false);
  const invite = useMutation(trpc.settings.invite.mutationOptions({ onSuccess: onInvited }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!emailProblem(email)) invite.mutate({ email: email.trim(), role });
  };
  if (invite.data) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={`The link for ${email.trim()}`}
        description="Send it to them. It works once, for 7 days, and is not shown again."
        footer={
          <Button large onClick={onClose}>
            Done
          </Button>
        }
      >
        <CodeBlock label="the link" wrap text={`${window.location.origin}${invite.data.path}`} />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      width="narrow"
      title="Invite somebody"
      footer={
        <>
          <Button large onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" form="invite" look="primary" busy={invite.isPending}>
            Make the link
          </Button>
        </>
      }
    >
      <form id="invite" onSubmit={submit} noValidate className="flex flex-col gap-4">
        {invite.isError && (
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(invite.error).message}
          </Notice>
        )}
        <Field label="E-mail" error={asked && emailProblem(email)}>
          <Input type="email" value={email} onChange={setEmail} />
        </Field>
        <Field label="Role">
          <Select value={role} onChange={setRole} options={roles} />
        </Field>
      </form>
    </Dialog>
  );
}
