"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { ApiTokenItem } from "../../server/trpc/contract/people.ts";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Section } from "../ui/page.tsx";
import { EmptyState } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { NewToken } from "./new-token.tsx";

/** Tokens by which programs use the interface under /api/v1. */
export function Tokens() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const tokens = useQuery(trpc.settings.tokens.queryOptions());
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<ApiTokenItem | null>(null);
  const refresh = () => queries.invalidateQueries(trpc.settings.tokens.pathFilter());
  const remove = useMutation(
    trpc.settings.removeToken.mutationOptions({
      ...sayFailure("The token could not be removed"),
      onSettled: () => {
        setRemoving(null);
        return refresh();
      },
    }),
  );
  const columns: Column<ApiTokenItem>[] = [
    { id: "name", header: "Name", cell: (token) => <span className="font-medium text-ink">{token.name}</span> },
    {
      id: "hint",
      header: "Begins with",
      width: "150px",
      wideOnly: true,
      cell: (token) => <span className="font-mono text-caption text-muted">{token.hint}…</span>,
    },
    { id: "role", header: "Role", width: "100px", cell: (token) => <span className="text-muted">{token.role}</span> },
    {
      id: "by",
      header: "Made by",
      wideOnly: true,
      cell: (token) => <span className="text-muted">{token.createdBy}</span>,
    },
    {
      id: "used",
      header: "Last used",
      width: "130px",
      cell: ({ lastUsedAt }) =>
        lastUsedAt ? (
          <RelativeTime at={lastUsedAt} className="text-muted" />
        ) : (
          <span className="text-faint">never</span>
        ),
    },
    {
      id: "remove",
      header: <span className="sr-only">Remove</span>,
      width: "52px",
      align: "right",
      cell: (token) => <IconButton label={`Remove ${token.name}`} icon={Trash2} onClick={() => setRemoving(token)} />,
    },
  ];
  const add = (
    <Button icon={Plus} onClick={() => setAdding(true)}>
      New token
    </Button>
  );
  return (
    <Section title="API tokens" aside={add}>
      <Loaded query={tokens} what="The tokens could not be loaded">
        {(all) =>
          all.length === 0 ? (
            <EmptyState compact icon={KeyRound} title="No program has a token yet">
              With one, a program can do what its role may, under /api/v1. What it can do is described at{" "}
              <a href="/api/v1/openapi.json" className="underline">
                /api/v1/openapi.json
              </a>
              .
            </EmptyState>
          ) : (
            <Table label="API tokens" columns={columns} rows={all} rowKey={({ id }) => id} />
          )
        }
      </Loaded>
      {adding && <NewToken onClose={() => setAdding(false)} onMade={refresh} />}
      <ConfirmDialog
        open={removing !== null}
        onClose={() => setRemoving(null)}
        danger
        busy={remove.isPending}
        title={`Remove “${removing?.name}”: programs that use it are refused from now on`}
        action="Remove the token"
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      />
    </Section>
  );
}
