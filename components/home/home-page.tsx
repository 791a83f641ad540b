"use client";
import { useQuery } from "@tanstack/react-query";
import { Plus, ServerOff } from "lucide-react";
import Link from "next/link";
import type { FlowHealth } from "../../server/trpc/contract/flows.ts";
import type { HomeSummary } from "../../server/trpc/contract/home.ts";
import { flowsSentence } from "../flows/flows-page.tsx";
import { FlowsTable } from "../flows/flows-table.tsx";
import { RunsTable } from "../runs/runs-table.tsx";
import { Loaded } from "../server/loaded.tsx";
import { useMay, useMe } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { ButtonLink } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";
import { Card, Page, PageHeader, Section } from "../ui/page.tsx";
import { Notice, Skeleton, SkeletonRows } from "../ui/states.tsx";
import { Num, useNow } from "../ui/values.tsx";
import { Attention } from "./attention.tsx";
import { Welcome } from "./welcome.tsx";

/** Is it fine, what is wrong, what do I press. */
export function HomePage() {
  const trpc = useTRPC();
  const me = useMe();
  const mayBuild = useMay("builder");
  const home = useQuery({
    ...trpc.home.summary.queryOptions(),
    refetchInterval: ({ state }) => (state.data?.sample.state === "coming" ? 2000 : false),
  });
  const now = useNow();
  const firstName = me.user.name.split(" ")[0] ?? me.user.name;
  return (
    <Page>
      <PageHeader
        title={now ? `${greeting(now.getHours())}, ${firstName}` : "Home"}
        sentence={
          home.data &&
          (home.data.flows.length === 0 ? "Nothing moves yet. Here is how it begins." : flowsSentence(home.data.flows))
        }
        actions={
          mayBuild &&
          home.data &&
          home.data.flows.length > 0 && (
            <ButtonLink look="primary" icon={Plus} href="/flows?new=1">
              New flow
            </ButtonLink>
          )
        }
      />
      <Loaded query={home} what="The overview could not be loaded" skeleton={<Waiting />}>
        {(summary) => (
          <div className="flex flex-col gap-6">
            {summary.workersAlive === 0 && (
              <Notice tone="warn" icon={ServerOff}>
                No worker is running, so runs wait. Start one with{" "}
                <code className="font-mono text-caption">npm run worker</code>, or ask whoever looks after this server.
              </Notice>
            )}
            {summary.flows.length === 0 ? <Welcome sample={summary.sample} /> : <Overview summary={summary} />}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Overview({ summary }: { summary: HomeSummary }) {
  const { today } = summary;
  return (
    <>
      <Card className="grid grid-cols-3 divide-x divide-line">
        <Figure label={today.runs === 1 ? "run in 24 hours" : "runs in 24 hours"} value={today.runs} />
        <Figure label={today.written === 1 ? "record written" : "records written"} value={today.written} />
        <Figure
          label={today.failed === 1 ? "record failed" : "records failed"}
          value={today.failed}
          loud={today.failed > 0}
        />
      </Card>
      <Section title="What needs attention">
        <Attention items={summary.attention} leftOut={summary.attentionLeftOut} />
      </Section>
      <Section
        title="Flows"
        aside={
          <Link href="/flows" className="rounded-mark hover:text-ink hover:underline">
            All flows
          </Link>
        }
      >
        <FlowsTable flows={firstFlows(summary.flows)} short />
      </Section>
      <Section
        title="Last runs"
        aside={
          <Link href="/runs" className="rounded-mark hover:text-ink hover:underline">
            All runs
          </Link>
        }
      >
        {summary.lastRuns.length === 0 ? (
          <Card className="px-4 py-6 text-center text-muted">Nothing has run yet. Open a flow and press “Try it”.</Card>
        ) : (
          <RunsTable runs={summary.lastRuns.slice(0, 8)} keys={false} label="Last runs" />
        )}
      </Section>
    </>
  );
}

/** How soon a flow of this health should be seen. */
const urgency: FlowHealth[] = ["attention", "waiting", "running", "ok", "paused", "draft"];

/** The few flows the overview has room for: those that need somebody before those that merely exist. */
function firstFlows(flows: HomeSummary["flows"]): HomeSummary["flows"] {
  return flows.toSorted((one, other) => urgency.indexOf(one.health) - urgency.indexOf(other.health)).slice(0, 8);
}

function Figure({ label, value, loud }: { label: string; value: number; loud?: boolean }) {
  return (
    <div className="px-4 py-2.5">
      <Num value={value} className={cx("block text-title font-semibold", loud ? "text-bad-text" : "text-ink")} />
      <span className="text-caption text-muted">{label}</span>
    </div>
  );
}

function greeting(hour: number): string {
  if (hour < 5 || hour >= 18) return "Good evening";
  return hour < 12 ? "Good morning" : "Good afternoon";
}

function Waiting() {
  return (
    <div role="status" aria-label="Loading" className="space-y-6">
      <Skeleton className="h-28 w-full" />
      <SkeletonRows rows={4} />
      <SkeletonRows rows={4} />
    </div>
  );
}
