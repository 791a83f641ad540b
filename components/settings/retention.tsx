"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Skeleton } from "../ui/states.tsx";
import { toast } from "../ui/toast.tsx";

type Retention = Outputs["settings"]["retention"];

const parts: { name: keyof Retention; label: string; hint: string }[] = [
  {
    name: "ledgerDays",
    label: "Changes, with the values before",
    hint: "Runs older than this cannot be undone any more, and the journey of a record ends there.",
  },
  {
    name: "runsDays",
    label: "Runs that have ended",
    hint: "With the events that began them. A run with open failed records stays.",
  },
  {
    name: "lettersDays",
    label: "Failed records that were settled or dismissed",
    hint: "Open ones stay until somebody settles them.",
  },
  { name: "auditDays", label: "Audit log", hint: "Who changed what." },
];

/** For how many days what runs leave behind is kept. */
export function RetentionSettings() {
  const trpc = useTRPC();
  const retention = useQuery(trpc.settings.retention.queryOptions());
  return (
    <Loaded query={retention} what="This could not be loaded" skeleton={<Skeleton className="h-64 max-w-md" />}>
      {(stored) => <Days key={JSON.stringify(stored)} stored={stored} />}
    </Loaded>
  );
}

function Days({ stored }: { stored: Retention }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [typed, setTyped] = useState(() => Object.fromEntries(parts.map(({ name }) => [name, String(stored[name])])));
  const save = useMutation(
    trpc.settings.setRetention.mutationOptions({
      ...sayFailure("This could not be saved"),
      onSuccess: async () => {
        toast({ title: "Saved", description: "What is older is removed within the next minutes, little by little." });
        await queries.invalidateQueries(trpc.settings.retention.pathFilter());
      },
    }),
  );
  const problemOf = (name: string) => {
    const days = Number(typed[name]);
    return Number.isInteger(days) && days >= 1 && days <= 3_650 ? false : "A number of days from 1 to 3650.";
  };
  const changed = parts.some(({ name }) => typed[name] !== String(stored[name]));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (parts.some(({ name }) => problemOf(name))) return;
    save.mutate(Object.fromEntries(parts.map(({ name }) => [name, Number(typed[name])])) as Retention);
  };
  return (
    <form onSubmit={submit} noValidate className="flex max-w-md flex-col gap-4">
      <p className="text-work text-muted">
        Older things are removed for good, a little at a time, and never hold a run up. Shorter days here take effect at
        once; what is gone does not come back with longer ones.
      </p>
      {parts.map(({ name, label, hint }) => (
        <Field key={name} label={`${label}, days`} hint={hint} error={problemOf(name)}>
          <Input
            value={typed[name] ?? ""}
            onChange={(days) => setTyped({ ...typed, [name]: days })}
            inputMode="numeric"
          />
        </Field>
      ))}
      <div>
        <Button type="submit" large busy={save.isPending} disabled={!changed}>
          Save
        </Button>
      </div>
    </form>
  );
}
