"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, LogOut } from "lucide-react";
import { type FormEvent, useState } from "react";
import { nameProblem, passwordProblem, shortestPassword } from "../accounts/account-rules.ts";
import { sayFailure } from "../server/act.ts";
import { changePassword, signOutElsewhere } from "../server/auth.ts";
import { Loaded } from "../server/loaded.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Input } from "../ui/input.tsx";
import { Section } from "../ui/page.tsx";
import { Notice, Skeleton } from "../ui/states.tsx";
import { toast } from "../ui/toast.tsx";
import { Checkbox } from "../ui/toggles.tsx";

type OwnAccount = Outputs["session"]["account"];

/** A person's own name, password and devices, whatever their role. */
export function Account() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const account = useQuery(trpc.session.account.queryOptions());
  const refresh = () => queries.invalidateQueries(trpc.session.pathFilter());
  return (
    <Loaded query={account} what="Your account could not be loaded" skeleton={<Skeleton className="h-64 max-w-md" />}>
      {(own) => (
        <div className="flex max-w-md flex-col gap-8">
          <Identity key={own.name} account={own} onChanged={refresh} />
          <Password otherDevices={own.otherDevices} onChanged={refresh} />
          <Devices otherDevices={own.otherDevices} onChanged={refresh} />
        </div>
      )}
    </Loaded>
  );
}

function Identity({ account, onChanged }: { account: OwnAccount; onChanged: () => Promise<void> }) {
  const trpc = useTRPC();
  const [name, setName] = useState(account.name);
  const rename = useMutation(
    trpc.session.renameMyself.mutationOptions({
      ...sayFailure("Your name could not be changed"),
      onSuccess: async () => {
        toast({ title: `Others see you as “${name.trim()}” now` });
        await onChanged();
      },
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!nameProblem(name)) rename.mutate({ name: name.trim() });
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field label="Your name" error={nameProblem(name)}>
        <Input name="name" autoComplete="name" value={name} onChange={setName} maxLength={120} />
      </Field>
      <Field label="E-mail" hint="You sign in with it. For another address, let an admin invite that one.">
        <Input type="email" name="email" autoComplete="username" value={account.email} onChange={() => {}} readOnly />
      </Field>
      <div>
        <Button type="submit" large busy={rename.isPending} disabled={name.trim() === account.name}>
          Save the name
        </Button>
      </div>
    </form>
  );
}

const empty = { current: "", next: "", again: "" };

function Password({ otherDevices, onChanged }: { otherDevices: number; onChanged: () => Promise<void> }) {
  const [typed, setTyped] = useState(empty);
  const [everywhere, setEverywhere] = useState(true);
  const [asked, setAsked] = useState(false);
  const change = useMutation({
    mutationFn: async () => {
      const refused = await changePassword({
        currentPassword: typed.current,
        newPassword: typed.next,
        revokeOtherSessions: everywhere && otherDevices > 0,
      });
      if (refused) throw new Error(refused);
    },
    onSuccess: async () => {
      setTyped(empty);
      setAsked(false);
      const elsewhere = everywhere && otherDevices > 0 ? " Your other devices are signed out." : "";
      toast({ title: "Your password is changed", description: `Sign in with the new one from now on.${elsewhere}` });
      await onChanged();
    },
  });
  const set = (part: keyof typeof empty) => (value: string) => setTyped((old) => ({ ...old, [part]: value }));
  const problems = {
    current: typed.current === "" ? "Type the password you have now." : null,
    next:
      passwordProblem(typed.next) ?? (typed.next === typed.current ? "Choose another one than you have now." : null),
    again: typed.again === typed.next ? null : "This differs from the new password. Type it once more.",
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (!problems.current && !problems.next && !problems.again) change.mutate();
  };
  return (
    <Section title="Password">
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {change.isError && (
          <Notice tone="bad" icon={CircleAlert}>
            {change.error.message}
          </Notice>
        )}
        <Field label="Password now" error={asked && problems.current}>
          <Input
            type="password"
            name="current"
            autoComplete="current-password"
            value={typed.current}
            onChange={set("current")}
          />
        </Field>
        <Field label="New password" hint={`At least ${shortestPassword} characters.`} error={asked && problems.next}>
          <Input type="password" name="next" autoComplete="new-password" value={typed.next} onChange={set("next")} />
        </Field>
        <Field label="New password again" error={asked && problems.again}>
          <Input type="password" name="again" autoComplete="new-password" value={typed.again} onChange={set("again")} />
        </Field>
        {otherDevices > 0 && (
          // biome-ignore lint/a11y/noLabelWithoutControl: the checkbox inside is the control
          <label className="flex items-center gap-2 text-work text-ink">
            <Checkbox checked={everywhere} onChange={setEverywhere} />
            Sign out on {count(otherDevices, "other device")}
          </label>
        )}
        <div>
          <Button type="submit" large busy={change.isPending}>
            Change the password
          </Button>
        </div>
      </form>
    </Section>
  );
}

function Devices({ otherDevices, onChanged }: { otherDevices: number; onChanged: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  const end = useMutation({
    mutationFn: async () => {
      const refused = await signOutElsewhere();
      if (refused) throw new Error(refused);
    },
    ...sayFailure("Your other devices could not be signed out"),
    onSuccess: () => toast({ title: "You are signed in only here now" }),
    onSettled: () => {
      setAsking(false);
      return onChanged();
    },
  });
  return (
    <Section title="Devices">
      {otherDevices === 0 ? (
        <p className="text-work text-muted">You are signed in only here.</p>
      ) : (
        <div className="flex flex-wrap items-center gap-3">
          <p className="text-work text-muted">You are also signed in on {count(otherDevices, "other device")}.</p>
          <Button icon={LogOut} onClick={() => setAsking(true)}>
            Sign out there
          </Button>
        </div>
      )}
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        busy={end.isPending}
        title={`Sign out on ${count(otherDevices, "other device")}: there, the next press asks for your password`}
        action="Sign out there"
        onConfirm={() => end.mutate()}
      >
        Here you stay signed in.
      </ConfirmDialog>
    </Section>
  );
}
