"use client";
import { TriangleAlert } from "lucide-react";
import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import { readFailure } from "../server/failure.ts";
import type { ConnectorInfo } from "../server/trpc.ts";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Notice } from "../ui/states.tsx";
import { relevantCredentials } from "./relevant-credentials.ts";
import { SchemaFields } from "./schema-fields.tsx";
import { readForm } from "./schema-form.ts";
import { asValues, cleanValues, formProblems, type Problems, startValues, type Values } from "./schema-values.ts";

export type Entered = { name: string; settings: Values; credentials: Values };

/**
 * Name, settings and credentials of a connection, drawn from what its connector declares.
 * @param stored what the server holds; credentials never come back, only which are set
 * @param failure the server's refusal; its details are shown at the fields they name
 * @param onSubmit called with a form that has no problems of its own
 */
export function ConnectionForm({
  id,
  connector,
  stored,
  suggestedName = "",
  failure,
  onSubmit,
  children,
}: {
  /** so that a button outside the form can submit it */
  id: string;
  connector: ConnectorInfo;
  stored?: { name: string; settings: unknown; credentialsSet: string[] };
  suggestedName?: string;
  failure: unknown;
  onSubmit: (entered: Entered) => void;
  children?: ReactNode;
}) {
  const settingsForm = useMemo(() => readForm(connector.settings), [connector.settings]);
  const credentialsForm = useMemo(() => readForm(connector.credentials), [connector.credentials]);
  const [name, setName] = useState(stored?.name ?? suggestedName);
  const [settings, setSettings] = useState<Values>(stored ? asValues(stored.settings) : startValues(settingsForm));
  const [credentials, setCredentials] = useState<Values>({});
  const [asked, setAsked] = useState(false);
  const wanted = relevantCredentials(credentialsForm, settings);
  const kept = useMemo(() => new Set(stored?.credentialsSet ?? []), [stored]);
  const own = {
    name: name.trim() === "" ? "Give it a name; flows refer to it by this." : undefined,
    settings: formProblems(settingsForm, settings),
    credentials: formProblems(wanted, credentials, kept),
  };
  const refused = refusalByPlace(failure);
  const settingsProblems = { ...refused.settings, ...(asked ? own.settings : {}) };
  const credentialsProblems = { ...refused.credentials, ...(asked ? own.credentials : {}) };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (own.name || Object.keys(own.settings).length > 0 || Object.keys(own.credentials).length > 0) return;
    onSubmit({
      name: name.trim(),
      settings: cleanValues(settingsForm, settings),
      credentials: cleanValues(wanted, credentials),
    });
  };
  return (
    <form id={id} onSubmit={submit} noValidate autoComplete="off" className="flex flex-col gap-5">
      {failure !== null && failure !== undefined && (
        <Notice tone="bad" icon={TriangleAlert}>
          {readFailure(failure).message}
        </Notice>
      )}
      <Field
        label="Name"
        hint="Unique in the workspace. Flows refer to the connection by it."
        error={asked && own.name}
      >
        <Input value={name} onChange={setName} />
      </Field>
      <SchemaFields fields={settingsForm} values={settings} onChange={setSettings} problems={settingsProblems} />
      {wanted.length > 0 && (
        <fieldset className="flex flex-col gap-4 rounded-card border border-line p-3">
          <legend className="px-1 text-work font-medium">Credentials</legend>
          <p className="-mt-2 text-caption text-muted">Stored encrypted and never shown again, to anyone.</p>
          <SchemaFields
            fields={wanted}
            values={credentials}
            onChange={setCredentials}
            problems={credentialsProblems}
            kept={kept}
          />
        </fieldset>
      )}
      {children}
    </form>
  );
}

/** The server's details, “settings.baseUrl”, sorted to the two halves of the form. */
function refusalByPlace(failure: unknown): { settings: Problems; credentials: Problems } {
  const places: { settings: Problems; credentials: Problems } = { settings: {}, credentials: {} };
  const details = failure ? readFailure(failure).details : null;
  if (!Array.isArray(details)) return places;
  for (const { path, message } of details as { path?: string; message?: string }[]) {
    const [, half, rest] = /^(settings|credentials)\.(.+)$/.exec(path ?? "") ?? [];
    if (half && rest) places[half as "settings" | "credentials"][rest] = message ?? "This is not accepted.";
  }
  return places;
}
