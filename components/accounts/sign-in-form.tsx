"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useRouter, useSearchParams } from "next/navigation";
import { type FormEvent, useEffect, useState } from "react";
import { signIn } from "../server/auth.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { AccountCard } from "./account-card.tsx";
import { emailProblem } from "./account-rules.ts";

/** Where to go after signing in: a path of this product only, never an address somebody put into the link. */
export function safeNext(next: string | null): string {
  return next?.startsWith("/") && !/^\/[/\\]/.test(next) ? next : "/";
}

export function SignInForm() {
  const trpc = useTRPC();
  const router = useRouter();
  const next = safeNext(useSearchParams().get("next"));
  const setup = useQuery(trpc.session.setup.queryOptions());
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (setup.data?.needsFirstAccount) router.replace("/setup");
  }, [setup.data, router]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (emailProblem(email) || password === "") return;
    setBusy(true);
    const refused = await signIn(email.trim(), password);
    setProblem(refused);
    if (refused) setBusy(false);
    else window.location.assign(next);
  };
  return (
    <AccountCard title="Sign in" sentence="With the e-mail and password of your account.">
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        {problem && (
          <Notice tone="bad" icon={CircleAlert}>
            {problem}
          </Notice>
        )}
        <Field label="E-mail" error={asked && emailProblem(email)}>
          <Input type="email" name="email" autoComplete="username" value={email} onChange={setEmail} autoFocus />
        </Field>
        <Field label="Password" error={asked && password === "" && "Enter your password."}>
          <Input
            type="password"
            name="password"
            autoComplete="current-password"
            value={password}
            onChange={setPassword}
          />
        </Field>
        <Button type="submit" look="primary" busy={busy}>
          Sign in
        </Button>
      </form>
    </AccountCard>
  );
}
