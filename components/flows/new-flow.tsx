"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { readFailure } from "../server/failure.ts";
import { useMe } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { type Brief, briefQuestions, emptyBrief, newFlowDocument, suggestions } from "./brief.ts";

/** The short brief, then the canvas. Only the name is needed now; publishing wants all six answers. */
export function NewFlow({ onClose }: { onClose: () => void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const me = useMe();
  const connections = useQuery(trpc.connections.list.queryOptions());
  const [name, setName] = useState("");
  const [brief, setBrief] = useState<Brief>({ ...emptyBrief, direction: "One-way", owner: me.user.email });
  const [asked, setAsked] = useState(false);
  const create = useMutation(trpc.flows.create.mutationOptions({ onSuccess: ({ id }) => router.push(`/flows/${id}`) }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (name.trim() === "") return;
    create.mutate({ document: newFlowDocument(name, brief) });
  };
  const known = { connections: (connections.data ?? []).map((connection) => connection.name), email: me.user.email };
  return (
    <Dialog
      open
      onClose={onClose}
      title="New flow"
      description="Six short answers, so that the next person understands it. Only the name is needed now; publishing wants all six."
      footer={
        <>
          <Button large onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" form="new-flow" look="primary" busy={create.isPending || create.isSuccess}>
            Draw the flow
          </Button>
        </>
      }
    >
      <form id="new-flow" onSubmit={submit} noValidate className="flex flex-col gap-4">
        {create.isError && (
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(create.error).message}
          </Notice>
        )}
        <Field label="Name" required error={asked && name.trim() === "" && "Give it a name others will recognise."}>
          <Input value={name} onChange={setName} placeholder="Shop orders to accounting" maxLength={200} />
        </Field>
        {briefQuestions.map((question) => {
          const { field, label, placeholder } = question;
          const offered = suggestions(field, known).filter((text) => text !== brief[field]);
          return (
            <div key={field}>
              <Field label={label} hint={"hint" in question ? question.hint : undefined}>
                <Input
                  type={field === "owner" ? "email" : "text"}
                  value={brief[field]}
                  onChange={(answer) => setBrief({ ...brief, [field]: answer })}
                  placeholder={placeholder}
                  maxLength={2000}
                />
              </Field>
              {offered.length > 0 && (
                <div className="mt-1.5 flex flex-wrap gap-1.5">
                  {offered.map((text) => (
                    <button
                      key={text}
                      type="button"
                      onClick={() => setBrief({ ...brief, [field]: text })}
                      className="rounded-full border border-line bg-sunken px-2.5 py-0.5 text-left text-caption text-muted transition-colors hover:border-edge hover:text-ink pointer-coarse:py-2.5"
                    >
                      {text}
                    </button>
                  ))}
                </div>
              )}
            </div>
          );
        })}
      </form>
    </Dialog>
  );
}
