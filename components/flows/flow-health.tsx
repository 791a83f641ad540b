import {
  CircleAlert,
  CircleCheck,
  CirclePause,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  PencilRuler,
} from "lucide-react";
import type { FlowHealth } from "../../server/trpc/contract/flows.ts";
import { StatusPill } from "../ui/pill.tsx";
import type { Tone } from "../ui/tone.ts";

export const healths: Record<FlowHealth, { word: string; tone: Tone; icon: LucideIcon; moving?: boolean }> = {
  ok: { word: "Fine", tone: "ok", icon: CircleCheck },
  running: { word: "Running", tone: "run", icon: LoaderCircle, moving: true },
  attention: { word: "Needs a look", tone: "bad", icon: CircleAlert },
  waiting: { word: "Waiting", tone: "warn", icon: Hourglass },
  paused: { word: "Stopped", tone: "idle", icon: CirclePause },
  draft: { word: "Draft", tone: "idle", icon: PencilRuler },
};

export function FlowHealthPill({ health }: { health: FlowHealth }) {
  const { word, tone, icon, moving } = healths[health];
  return (
    <StatusPill tone={tone} icon={icon} moving={moving}>
      {word}
    </StatusPill>
  );
}
