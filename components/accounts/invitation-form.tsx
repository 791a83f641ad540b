"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { type FormEvent, useState } from "react";
import { readFailure } from "../server/failure.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { AccountCard } from "./account-card.tsx";
import { nameProblem, passwordProblem, shortestPassword } from "./account-rules.ts";

/** What an invitation link leads to: name and password, then inside. */
export function InvitationForm({ token }: { token: string }) {
  const trpc = useTRPC();
  const accept = useMutation(
    trpc.session.acceptInvitation.mutationOptions({ onSuccess: () => window.location.assign("/") }),
  );
  const invitation = useQuery(trpc.session.invitation.queryOptions({ token }, { retry: false }));
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [asked, setAsked] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (nameProblem(name) || passwordProblem(password)) return;
    accept.mutate({ token, name: name.trim(), password });
  };
  if (invitation.isError) {
    return <AccountCard title="This invitation cannot be used" sentence={readFailure(invitation.error).message} />;
  }
  const { data } = invitation;
  return (
    <AccountCard
      title={data ? `Join ${data.workspace}` : "Join the workspace"}
      sentence={
        data
          ? `${data.email} is invited as ${data.role}. Choose how others see you, and a password.`
          : "You were invited."
      }
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {accept.isError && (
          <Notice tone="bad" icon={CircleAlert}>
            {readFailure(accept.error).message}
          </Notice>
        )}
        <Field label="Your name" error={asked && nameProblem(name)}>
          <Input name="name" autoComplete="name" value={name} onChange={setName} autoFocus />
        </Field>
        <Field
          label="Password"
          hint={`At least ${shortestPassword} characters.`}
          error={asked && passwordProblem(password)}
        >
          <Input type="password" name="password" autoComplete="new-password" value={password} onChange={setPassword} />
        </Field>
        <Button type="submit" look="primary" busy={accept.isPending || accept.isSuccess}>
          Join
        </Button>
      </form>
    </AccountCard>
  );
}
