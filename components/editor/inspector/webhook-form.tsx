"use client";
import { Inbox, KeyRound } from "lucide-react";
import { useState } from "react";
import type { WebhookStep } from "../../../engine/steps/webhook/schema.ts";
import { HookAddress } from "../../deliveries/hook-address.tsx";
import { SecretDialog } from "../../deliveries/secret-dialog.tsx";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { useEditor } from "../editor-context.tsx";
import { GenericForm } from "./generic-form.tsx";

const often = ["sample", "eventId", "signature"];

/** Where events are sent, how senders prove who they are, and the step's settings. */
export function WebhookForm({ step }: { step: WebhookStep }) {
  const { flowId, places, readOnly } = useEditor();
  const [secret, setSecret] = useState(false);
  const signed = step.signature !== undefined && step.signature.scheme !== "none";
  return (
    <>
      {places.address && (
        <div>
          <h3 className="mb-1 text-work font-medium text-ink">Address</h3>
          <HookAddress path={places.address} className="" />
          <p className="mt-1 text-caption text-muted">
            It takes events once the flow is published. {signed ? "Only signed ones." : "Whoever knows it may send."}
          </p>
          <div className="mt-2 flex flex-wrap gap-2">
            <ButtonLink icon={Inbox} href={`/flows/${flowId}/deliveries`}>
              Deliveries
            </ButtonLink>
            {signed && !readOnly && (
              <Button icon={KeyRound} onClick={() => setSecret(true)}>
                Signing secret…
              </Button>
            )}
          </div>
        </div>
      )}
      <GenericForm step={step} often={often} />
      {secret && <SecretDialog flowId={flowId} onClose={() => setSecret(false)} />}
    </>
  );
}
