"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { CodeBlock } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";

/** The secret events are signed with: whether there is one, and a way to set a new one. It is shown once. */
export function SecretDialog({ flowId, onClose }: { flowId: string; onClose: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const state = useQuery(trpc.deliveries.secret.queryOptions({ flowId }));
  const [given, setGiven] = useState("");
  const set = useMutation(
    trpc.deliveries.setSecret.mutationOptions({
      ...sayFailure("The signing secret could not be set"),
      onSuccess: () => queries.invalidateQueries({ queryKey: trpc.deliveries.secret.pathKey() }),
    }),
  );
  return (
    <Dialog
      open
      onClose={onClose}
      title="Signing secret"
      description="Senders prove with it who they are. It counts when the webhook step names a signature scheme."
      footer={
        <Button
          look="primary"
          icon={KeyRound}
          busy={set.isPending}
          onClick={() => set.mutate({ flowId, ...(given.trim() === "" ? {} : { secret: given.trim() }) })}
        >
          {given.trim() === "" ? "Make a new secret" : "Set this secret"}
        </Button>
      }
    >
      <Loaded query={state} what="The state of the secret could not be loaded">
        {({ set: isSet, since }) => (
          <div className="flex flex-col gap-4">
            <p className="text-work text-muted">
              {isSet && since ? (
                <>
                  A secret is set since <RelativeTime at={since} />. Setting another leaves it valid for 24 hours more,
                  so that senders can change over.
                </>
              ) : (
                "No secret is set yet."
              )}
            </p>
            <Field
              label="Secret the sender gave you"
              hint="Leave it empty to make a new one and give that to the sender."
            >
              <Input value={given} onChange={setGiven} autoComplete="off" />
            </Field>
            {set.data && (
              <>
                <Notice tone="warn" icon={KeyRound}>
                  Copy it now; it is not shown again.
                </Notice>
                <CodeBlock label="secret" text={set.data.secret} wrap />
              </>
            )}
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}
