"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Skeleton } from "../ui/states.tsx";
import { toast } from "../ui/toast.tsx";
import { RelativeTime } from "../ui/values.tsx";

export function Workspace() {
  const trpc = useTRPC();
  const workspace = useQuery(trpc.settings.workspace.queryOptions());
  return (
    <Loaded
      query={workspace}
      what="The workspace could not be loaded"
      skeleton={<Skeleton className="h-24 max-w-md" />}
    >
      {({ name, createdAt }) => <Rename key={name} name={name} createdAt={createdAt} />}
    </Loaded>
  );
}

function Rename({ name, createdAt }: { name: string; createdAt: string }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [typed, setTyped] = useState(name);
  const [asked, setAsked] = useState(false);
  const rename = useMutation(
    trpc.settings.renameWorkspace.mutationOptions({
      ...sayFailure("The workspace could not be renamed"),
      onSuccess: async () => {
        toast({ title: `The workspace is called “${typed.trim()}” now` });
        await Promise.all([
          queries.invalidateQueries(trpc.settings.workspace.pathFilter()),
          queries.invalidateQueries(trpc.session.me.pathFilter()),
        ]);
      },
    }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (typed.trim() !== "") rename.mutate({ name: typed.trim() });
  };
  return (
    <form onSubmit={submit} noValidate className="flex max-w-md flex-col gap-4">
      <Field label="Name of the workspace" error={asked && typed.trim() === "" && "Give it a name."}>
        <Input value={typed} onChange={setTyped} maxLength={120} />
      </Field>
      <div className="flex items-center gap-3">
        <Button type="submit" large busy={rename.isPending} disabled={typed.trim() === name}>
          Rename
        </Button>
        <span className="text-muted">
          Since <RelativeTime at={createdAt} />
        </span>
      </div>
    </form>
  );
}
