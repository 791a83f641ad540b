import { CircleAlert, CircleCheck, CircleDashed, KeyRound } from "lucide-react";
import type { ConnectionState } from "../../server/trpc/contract/connections.ts";
import { StatusPill } from "../ui/pill.tsx";
import type { Tone } from "../ui/tone.ts";

const states: Record<ConnectionState, { word: string; tone: Tone; icon: typeof CircleAlert }> = {
  ok: { word: "Answers", tone: "ok", icon: CircleCheck },
  unchecked: { word: "Not checked", tone: "idle", icon: CircleDashed },
  refused: { word: "Refuses us", tone: "bad", icon: KeyRound },
  unreachable: { word: "Does not answer", tone: "warn", icon: CircleAlert },
};

export function ConnectionStatePill({ state }: { state: ConnectionState }) {
  const { word, tone, icon } = states[state];
  return (
    <StatusPill tone={tone} icon={icon}>
      {word}
    </StatusPill>
  );
}
