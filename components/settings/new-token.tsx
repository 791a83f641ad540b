"use client";
import { useMutation } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { type FormEvent, useState } from "react";
import type { Role } from "../../server/trpc/contract/people.ts";
import { readFailure } from "../server/failure.ts";
import { useMe } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { CodeBlock } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { Notice } from "../ui/states.tsx";
import { rolesUpTo } from "./roles.ts";

/** Makes a token and shows it this once. */
export function NewToken({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const trpc = useTRPC();
  const me = useMe();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [asked, setAsked] = useState(false);
  const create = useMutation(trpc.settings.createToken.mutationOptions({ onSuccess: onMade }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (name.trim() !== "") create.mutate({ name: name.trim(), role });
  };
  if (create.data) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={`The token “${name.trim()}”`}
        description="Copy it now. It is stored only as a fingerprint and cannot be shown again."
        footer={
          <Button large onClick={onClose}>
            Done
          </Button>
        }
      >
        <CodeBlock label="the token" wrap text={create.data.token} />
        <p className="mt-3 text-muted">
          Send it as <code className="font-mono text-caption">Authorization: Bearer …</code>
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      width="narrow"
      title="New API token"
      footer={
        <>
          <Button large onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" form="new-token" look="primary" busy={create.isPending}>
            Make the token
          </Button>
        </>
      }
    >
      <form id="new-token" onSubmit={submit} noValidate className="flex flex-col gap-4">
        {create.isError && (
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(create.error).message}
          </Notice>
        )}
        <Field
          label="Name"
          hint="Which program uses it, and for what."
          error={asked && name.trim() === "" && "Name the program that will use it."}
        >
          <Input value={name} onChange={setName} maxLength={120} />
        </Field>
        <Field label="Role" hint="Give the least that is enough.">
          <Select value={role} onChange={setRole} options={rolesUpTo(me.role)} />
        </Field>
      </form>
    </Dialog>
  );
}
