"use client";
import { useMutation } from "@tanstack/react-query";
import { KeyRound, TriangleAlert } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { readFailure } from "../server/failure.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { CodeBlock } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import type { Subscriber } from "./subscribers.tsx";

const TOPIC = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const listed = (text: string) => [
  ...new Set(
    text
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  ),
];

/** Makes or changes a subscriber. A new one's secret is shown this once. */
export function SubscriberDialog({
  subscriber,
  topics,
  onClose,
  onSaved,
}: {
  subscriber: Subscriber | null;
  /** names that are in use, as suggestions */
  topics: string[];
  onClose: () => void;
  onSaved: () => void;
}) {
  const trpc = useTRPC();
  const suggestions = useId();
  const [name, setName] = useState(subscriber?.name ?? "");
  const [topic, setTopic] = useState(subscriber?.topic ?? "");
  const [url, setUrl] = useState(subscriber?.url ?? "");
  const [types, setTypes] = useState(subscriber?.types?.join(", ") ?? "");
  const [asked, setAsked] = useState(false);
  const create = useMutation(trpc.topics.subscribe.mutationOptions({ onSuccess: onSaved }));
  const change = useMutation(
    trpc.topics.changeSubscription.mutationOptions({
      onSuccess: () => {
        onSaved();
        onClose();
      },
    }),
  );
  const wrong = {
    name: name.trim() === "" && "Name the system that is told.",
    topic: !TOPIC.test(topic.trim()) && "Up to 100 letters, digits, dots, - and _, such as orders.",
    url: !isAddress(url) && "An address that begins with https://.",
  };
  const failed = create.error ?? change.error;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (wrong.name || wrong.topic || wrong.url) return;
    const wanted = listed(types);
    const given = { name: name.trim(), url: url.trim() };
    if (subscriber) change.mutate({ id: subscriber.id, ...given, types: wanted.length === 0 ? null : wanted });
    else create.mutate({ ...given, topic: topic.trim(), ...(wanted.length === 0 ? {} : { types: wanted }) });
  };
  if (create.data)
    return (
      <Dialog
        open
        onClose={onClose}
        title={`The signing secret of “${name.trim()}”`}
        description="The subscriber checks with it that events come from here (Standard Webhooks)."
        footer={
          <Button large onClick={onClose}>
            Done
          </Button>
        }
      >
        <div className="flex flex-col gap-4">
          <Notice tone="warn" icon={KeyRound}>
            Copy it now; it is not shown again.
          </Notice>
          <CodeBlock label="secret" text={create.data.secret} wrap />
        </div>
      </Dialog>
    );
  return (
    <Dialog
      open
      onClose={onClose}
      title={subscriber ? `Change “${subscriber.name}”` : "New subscriber"}
      description="It gets each event of the topic as a signed POST, from the next event on."
      footer={
        <>
          <Button large onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" form="subscriber" look="primary" busy={create.isPending || change.isPending}>
            {subscriber ? "Save" : "Add the subscriber"}
          </Button>
        </>
      }
    >
      <form id="subscriber" onSubmit={submit} noValidate className="flex flex-col gap-4">
        {failed && (
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(failed).message}
          </Notice>
        )}
        <Field label="Name" error={asked && wrong.name}>
          <Input value={name} onChange={setName} maxLength={200} placeholder="Warehouse" />
        </Field>
        {!subscriber && (
          <Field label="Topic" error={asked && wrong.topic} hint="What a “Publish” step names.">
            <Input value={topic} onChange={setTopic} list={suggestions} maxLength={100} placeholder="orders" />
          </Field>
        )}
        <datalist id={suggestions}>
          {topics.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <Field label="Address" error={asked && wrong.url}>
          <Input value={url} onChange={setUrl} type="url" placeholder="https://warehouse.example.com/hooks/orders" />
        </Field>
        <Field label="Types" optional hint="Only events of these types, with commas between. Empty: all.">
          <Input value={types} onChange={setTypes} placeholder="order.created, order.cancelled" />
        </Field>
      </form>
    </Dialog>
  );
}

function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text.trim()) && URL.canParse(text.trim());
}
