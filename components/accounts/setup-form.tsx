"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { type FormEvent, useEffect, useState } from "react";
import { readFailure } from "../server/failure.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { AccountCard } from "./account-card.tsx";
import { emailProblem, nameProblem, passwordProblem, shortestPassword } from "./account-rules.ts";

/** The first account of a new installation; it owns the workspace. */
export function SetupForm() {
  const trpc = useTRPC();
  const router = useRouter();
  const setup = useQuery(trpc.session.setup.queryOptions());
  const create = useMutation(
    trpc.session.createFirstAccount.mutationOptions({ onSuccess: () => window.location.assign("/") }),
  );
  const [form, setForm] = useState({ name: "", email: "", password: "", company: "" });
  const [asked, setAsked] = useState(false);
  const set = (part: keyof typeof form) => (value: string) => setForm((old) => ({ ...old, [part]: value }));
  useEffect(() => {
    if (setup.data && !setup.data.needsFirstAccount) router.replace("/sign-in");
  }, [setup.data, router]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (nameProblem(form.name) || emailProblem(form.email) || passwordProblem(form.password)) return;
    const { name, email, password, company } = form;
    create.mutate({
      name: name.trim(),
      email: email.trim(),
      password,
      ...(company.trim() && { company: company.trim() }),
    });
  };
  return (
    <AccountCard
      title="Create the first account"
      sentence={`It owns this workspace and can invite others.${setup.data?.sample ? " A sample company with real data waits inside." : ""}`}
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {create.isError && (
          <Notice tone="bad" icon={CircleAlert}>
            {readFailure(create.error).message}
          </Notice>
        )}
        <Field label="Your name" error={asked && nameProblem(form.name)}>
          <Input name="name" autoComplete="name" value={form.name} onChange={set("name")} autoFocus />
        </Field>
        <Field label="E-mail" error={asked && emailProblem(form.email)}>
          <Input type="email" name="email" autoComplete="username" value={form.email} onChange={set("email")} />
        </Field>
        <Field
          label="Password"
          hint={`At least ${shortestPassword} characters.`}
          error={asked && passwordProblem(form.password)}
        >
          <Input
            type="password"
            name="password"
            autoComplete="new-password"
            value={form.password}
            onChange={set("password")}
          />
        </Field>
        <Field label="Company" optional hint="The name of the workspace. You can change it later.">
          <Input name="company" autoComplete="organization" value={form.company} onChange={set("company")} />
        </Field>
        <Button type="submit" look="primary" busy={create.isPending || create.isSuccess}>
          Create the account
        </Button>
      </form>
    </AccountCard>
  );
}
