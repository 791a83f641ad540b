"use client";
import { useQuery } from "@tanstack/react-query";
import { ArrowRight, FlaskConical, PencilRuler, Plus, Undo2 } from "lucide-react";
import Link from "next/link";
import { useEffect } from "react";
import type { SampleState } from "../../server/trpc/contract/home.ts";
import { readFailure } from "../server/failure.ts";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { count } from "../ui/format.ts";
import { Card } from "../ui/page.tsx";
import { Tile } from "../ui/tile.tsx";

const steps = [
  {
    icon: PencilRuler,
    title: "Draw it",
    text: "Drag a source, a check, a map and a target on the canvas, and link them.",
  },
  {
    icon: FlaskConical,
    title: "Try it",
    text: "A dry run with real data shows field by field what would change. It writes nothing.",
  },
  { icon: Undo2, title: "Run it, calmly", text: "Every record is accounted for, and a whole run can be put back." },
];

/** The way to the first flow, for a workspace in which nothing moves yet. `sample`: what it may count on; asked again while one is coming. */
export function Welcome({ sample }: { sample: SampleState }) {
  const trpc = useTRPC();
  const mayBuild = useMay("builder");
  const preparing = sample.state === "coming";
  const connections = useQuery(trpc.connections.list.queryOptions());
  const askAgain = connections.refetch;
  useEffect(() => {
    if (sample.state === "here") void askAgain(); // what was known before it came is not all
  }, [sample.state, askAgain]);
  const connectors = useQuery(trpc.connections.connectors.queryOptions());
  const known = connections.data ?? [];
  return (
    <div className="flex flex-col gap-4">
      <Card className="p-6">
        <h2 className="text-title font-semibold tracking-tight text-balance">
          Your first flow takes about ten minutes
        </h2>
        <p aria-live="polite" className="mt-1 max-w-2xl text-body text-muted">
          {connections.isError
            ? `Your connections cannot be shown just now. ${readFailure(connections.error).message}`
            : sentence(sample, known.length)}
        </p>
        <ol className="mt-5 grid gap-4 sm:grid-cols-3">
          {steps.map(({ icon: Icon, title, text }, index) => (
            <li key={title} className="flex gap-3">
              <Tile tint="teal" icon={Icon} large />
              <div>
                <p className="font-medium text-ink">
                  {index + 1}. {title}
                </p>
                <p className="text-muted">{text}</p>
              </div>
            </li>
          ))}
        </ol>
        {mayBuild && (
          <div className="mt-6 flex flex-wrap gap-2">
            {preparing ? (
              <Button look="primary" busy>
                Setting up the sample company
              </Button>
            ) : known.length > 0 ? (
              <ButtonLink look="primary" icon={Plus} href="/flows?new=1">
                Draw the first flow
              </ButtonLink>
            ) : (
              <ButtonLink look="primary" icon={Plus} href="/connections?new=1">
                Connect your first system
              </ButtonLink>
            )}
          </div>
        )}
      </Card>
      {known.length > 0 && (
        <ul className="grid gap-3 sm:grid-cols-3">
          {known.slice(0, 6).map((connection) => {
            const mark = connectors.data?.find((one) => one.id === connection.connector)?.mark;
            return (
              <li key={connection.id}>
                <Link
                  href={`/connections?connection=${encodeURIComponent(connection.id)}`}
                  className="flex items-center gap-3 rounded-card border border-line bg-surface p-3 transition-colors hover:border-edge"
                >
                  <Tile
                    large
                    tint={mark?.tint ?? "slate"}
                    letters={mark?.letters ?? connection.connector.slice(0, 2)}
                  />
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-medium text-ink">{connection.name}</span>
                    <span className="block truncate text-caption text-muted">
                      {connection.connectorTitle} · see what it holds
                    </span>
                  </span>
                  <ArrowRight aria-hidden className="size-4 text-faint" />
                </Link>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

/** What there is to draw with. */
function sentence(sample: SampleState, connections: number): string {
  if (sample.state === "coming")
    return "A sample company is being set up for you: a shop, its books and a price list. It takes a few seconds.";
  if (sample.state === "here")
    return `A sample company waits with ${count(connections, "connection")} and the dirt of real life: missing e-mails, three date formats, prices with a comma. Nothing you do to it matters.`;
  if (connections > 1) return "Your systems are connected. Draw what moves between them.";
  const next =
    connections === 1
      ? "One system is connected. Connect the other one, or draw what happens within it."
      : "Connect the system that records come from and the one they go to, then draw what moves between them.";
  return sample.why === null ? next : `${sample.why} ${next}`;
}
