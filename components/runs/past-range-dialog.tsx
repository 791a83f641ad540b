"use client";
import { useMutation } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { sayFailure } from "../server/act.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { rangeKind, rangeOf } from "./past-range.ts";

const inputTypes = { datetime: "datetime-local", date: "date", number: "number", text: "text" } as const;

/** Reads a past range of the live version's stream once more; where the flow stands does not change by it. */
export function PastRangeDialog({
  flowId,
  watermark,
  type,
  onClose,
}: {
  flowId: string;
  /** the field that tells what changed, and what it holds */
  watermark: string;
  type: string | undefined;
  onClose: () => void;
}) {
  const trpc = useTRPC();
  const router = useRouter();
  const kind = rangeKind(type);
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const [asked, setAsked] = useState(false);
  const start = useMutation(
    trpc.runs.start.mutationOptions({
      ...sayFailure("The range could not be read"),
      onSuccess: ({ id }) => router.push(`/runs/${id}`),
    }),
  );
  const empty = from.trim() === "" && until.trim() === "";
  const read = () => {
    setAsked(true);
    if (!empty) start.mutate({ flowId, mode: "live", backfill: rangeOf(kind, from, until) });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Read a past range again"
      description="Each record in it is compared with the target and written where it differs. Where the flow stands does not change; its next run goes on from there."
      footer={
        <>
          <Button large onClick={onClose}>
            Leave it
          </Button>
          <Button look="primary" icon={History} busy={start.isPending} onClick={read}>
            Read the range
          </Button>
        </>
      }
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={kind === "text" ? "After" : "From"}
          hint={empty ? "Left empty: from the beginning." : undefined}
          error={asked && empty && "Give one end of the range at least."}
        >
          <Input type={inputTypes[kind]} step={kind === "datetime" ? 1 : undefined} value={from} onChange={setFrom} />
        </Field>
        <Field label="Up to and with" hint={empty ? "Left empty: to the newest." : undefined}>
          <Input type={inputTypes[kind]} step={kind === "datetime" ? 1 : undefined} value={until} onChange={setUntil} />
        </Field>
      </div>
      <p className="mt-3 text-work text-muted">
        The range is one of <span className="font-mono text-caption text-ink">{watermark}</span>, by which the flow
        tells what changed{kind === "datetime" && "; times are in your own zone"}.
      </p>
    </Dialog>
  );
}
