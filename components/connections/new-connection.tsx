"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { Loaded } from "../server/loaded.tsx";
import { type ConnectorInfo, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Skeleton } from "../ui/states.tsx";
import { Tile } from "../ui/tile.tsx";
import { ConnectionForm } from "./connection-form.tsx";

/**
 * First which system, then how to reach it.
 * @param onCreated gets the new connection's id; it has not been checked yet
 */
export function NewConnection({
  names,
  onClose,
  onCreated,
}: {
  names: string[];
  onClose: () => void;
  onCreated: (id: string) => void;
}) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const connectors = useQuery(trpc.connections.connectors.queryOptions());
  const [chosen, setChosen] = useState<ConnectorInfo | null>(null);
  const create = useMutation(
    trpc.connections.create.mutationOptions({
      onSuccess: async ({ id }) => {
        await queries.invalidateQueries(trpc.connections.list.pathFilter());
        onCreated(id);
      },
    }),
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title={chosen ? `Connect ${chosen.title}` : "New connection"}
      description={chosen ? chosen.summary : "Which system should flows read from or write to?"}
      footer={
        chosen && (
          <>
            <Button look="quiet" large icon={ArrowLeft} className="mr-auto" onClick={() => setChosen(null)}>
              Other system
            </Button>
            <Button type="submit" form="new-connection" look="primary" busy={create.isPending || create.isSuccess}>
              Connect and check
            </Button>
          </>
        )
      }
    >
      {chosen ? (
        <ConnectionForm
          key={chosen.id}
          id="new-connection"
          connector={chosen}
          suggestedName={names.includes(chosen.title) ? "" : chosen.title}
          failure={create.error}
          onSubmit={(entered) => create.mutate({ connector: chosen.id, ...entered })}
        />
      ) : (
        <Loaded
          query={connectors}
          what="The systems could not be loaded"
          skeleton={<Skeleton className="h-40 w-full" />}
        >
          {(all) => (
            <ul className="grid gap-2 sm:grid-cols-2">
              {all.map((connector) => (
                <li key={connector.id}>
                  <button
                    type="button"
                    onClick={() => setChosen(connector)}
                    className="flex h-full w-full items-start gap-3 rounded-card border border-line p-3 text-left transition-colors hover:border-edge hover:bg-hover"
                  >
                    <Tile large tint={connector.mark.tint} letters={connector.mark.letters} />
                    <span className="min-w-0">
                      <span className="block text-body font-medium text-ink">{connector.title}</span>
                      <span className="block text-caption text-muted">{connector.summary}</span>
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      )}
    </Dialog>
  );
}
