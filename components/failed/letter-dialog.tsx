"use client";
import { useQuery } from "@tanstack/react-query";
import { RotateCcw, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Journey } from "../records/journey.tsx";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { type LetterDetail, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { RecordView } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Disclosure } from "../ui/disclosure.tsx";
import { Field } from "../ui/field.tsx";
import { count } from "../ui/format.ts";
import { Select } from "../ui/select.tsx";
import { Notice, Skeleton } from "../ui/states.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { CorrectForm } from "./correct-form.tsx";
import { DismissDialog } from "./dismiss-dialog.tsx";
import { editsOf, patchOf } from "./letter-patch.ts";
import { isInRecord, mayHaveArrived, readReason } from "./reason.ts";
import { MayHaveArrived, ResendDialog } from "./resend.tsx";
import { useLetterActions } from "./use-letter-actions.ts";

/** One failed record: why, its data, a form to correct it, and its journey. */
export function LetterDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const trpc = useTRPC();
  const letter = useQuery(trpc.letters.get.queryOptions({ id }));
  if (letter.data) return <TheLetter key={letter.data.id} letter={letter.data} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} width="wide" title="Failed record">
      <Loaded query={letter} what="The record could not be loaded" skeleton={<Skeleton className="h-64 w-full" />}>
        {() => null}
      </Loaded>
    </Dialog>
  );
}

type From = "step" | "start";

function TheLetter({ letter, onClose }: { letter: LetterDetail; onClose: () => void }) {
  const mayOperate = useMay("operator");
  // A check speaks of the record itself: a field it misses can be filled in here. Other reasons may name a field of the target.
  const missing = letter.code.startsWith("check-") ? letter.field : undefined;
  const [from, setFrom] = useState<From>("step");
  const record = from === "step" ? letter.data : letter.source;
  const [edits, setEdits] = useState(() => editsOf(letter.data, missing));
  const [version, setVersion] = useState<"live" | "original">("live");
  const [dismissing, setDismissing] = useState(false);
  const [resending, setResending] = useState(false);
  const doubtful = mayHaveArrived(letter);
  const { replay, dismiss } = useLetterActions(onClose);
  const open = letter.state === "open";
  const { patch, problems } = patchOf(record, edits);
  const changed = Object.keys(patch).length;
  const broken = Object.keys(problems).length > 0;
  const send = () => replay.mutate({ ids: [letter.id], from, version, ...(changed > 0 && { patch }) });
  const choose = (next: From) => {
    setFrom(next);
    setEdits(editsOf(next === "step" ? letter.data : letter.source, next === "step" ? missing : undefined));
  };
  return (
    <>
      <Dialog
        open={!dismissing && !resending}
        onClose={onClose}
        width="wide"
        title={
          <>
            <span className="font-mono">{letter.key || "Record without a key"}</span> could not pass “{letter.stepTitle}
            ”
          </>
        }
        description={
          <>
            <Link href={`/flows/${letter.flow}`} className="hover:underline">
              {letter.flowName}
            </Link>{" "}
            ·{" "}
            <Link href={`/runs/${letter.run}`} className="hover:underline">
              run {letter.run}
            </Link>{" "}
            · <RelativeTime at={letter.at} /> · {count(letter.attempts, "attempt")}
            {letter.earlierRuns > 0 && (
              <>
                {" "}
                · failed in {count(letter.earlierRuns + 1, "run")}, first <RelativeTime at={letter.firstSeen} />
              </>
            )}
            {letter.parked > 0 &&
              ` · ${count(letter.parked, "record")} of the same key parked behind ${letter.parked === 1 ? "it" : "it, in order"}`}
            {letter.settledBy ? (
              <>
                {" "}
                · settled by{" "}
                <Link href={`/runs/${letter.settledBy}`} className="hover:underline">
                  run {letter.settledBy}
                </Link>
                , which read it again
              </>
            ) : (
              !open && ` · ${letter.state}`
            )}
          </>
        }
        footer={
          open &&
          mayOperate && (
            <>
              <Button look="quiet" large className="mr-auto" onClick={() => setDismissing(true)}>
                Dismiss…
              </Button>
              <Button
                look="primary"
                icon={RotateCcw}
                busy={replay.isPending}
                disabled={broken}
                onClick={() => (doubtful ? setResending(true) : send())}
              >
                {doubtful
                  ? "Send it again…"
                  : changed > 0
                    ? `Replay with ${count(changed, "correction")}`
                    : "Replay as it is"}
              </Button>
            </>
          )
        }
      >
        <div className="flex flex-col gap-5">
          <p className="text-body text-ink">{readReason(letter.reason).text}</p>
          {doubtful && open && <MayHaveArrived records={1} />}
          {letter.newer && (
            <Notice tone="warn" icon={TriangleAlert}>
              <Link href={`/runs/${letter.newer.run}`} className="underline">
                Run {letter.newer.run}
              </Link>{" "}
              wrote a record of this key <RelativeTime at={letter.newer.at} />, after this one failed. Replaying puts
              what is here, which is older, in its place. If nothing is missing there, dismiss this one.
            </Notice>
          )}
          {open && mayOperate ? (
            <>
              <CorrectForm
                edits={edits}
                onChange={setEdits}
                field={from === "step" && (missing || isInRecord(letter.data, letter.field)) ? letter.field : undefined}
                reason={doubtful ? "This is what was sent." : "This is what was refused."}
                problems={problems}
              />
              <Disclosure title="How it is replayed">
                <div className="grid gap-4 sm:grid-cols-2">
                  <Field label="From where">
                    <Select
                      value={from}
                      onChange={choose}
                      options={[
                        {
                          value: "step",
                          label: `From “${letter.stepTitle}”`,
                          hint: "Corrects the record as it entered that step",
                        },
                        {
                          value: "start",
                          label: "From the start",
                          hint: "Corrects the record as it was read; every step runs again",
                        },
                      ]}
                    />
                  </Field>
                  <Field label="With which version">
                    <Select
                      value={version}
                      onChange={setVersion}
                      options={[
                        { value: "live", label: "The one that is live now" },
                        { value: "original", label: "The one it failed in" },
                      ]}
                    />
                  </Field>
                </div>
              </Disclosure>
            </>
          ) : (
            <RecordView record={letter.data} marked={letter.field} note={letter.reason} />
          )}
          <Disclosure title="The record as it was read">
            <RecordView record={letter.source} />
          </Disclosure>
          {letter.history.length > 0 && (
            <Disclosure title={`Its journey, ${count(letter.history.length, "event")}`}>
              <Journey items={letter.history} />
            </Disclosure>
          )}
        </div>
      </Dialog>
      {resending && (
        <ResendDialog records={1} busy={replay.isPending} onClose={() => setResending(false)} onSend={send} />
      )}
      {dismissing && (
        <DismissDialog
          records={1}
          arrived={doubtful}
          busy={dismiss.isPending}
          onClose={() => setDismissing(false)}
          onDismiss={(note) => dismiss.mutate({ ids: [letter.id], note })}
        />
      )}
    </>
  );
}
