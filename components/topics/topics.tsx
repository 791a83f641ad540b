"use client";
import { useQuery } from "@tanstack/react-query";
import { Radio } from "lucide-react";
import Link from "next/link";
import { Loaded } from "../server/loaded.tsx";
import { type Outputs, useTRPC } from "../server/trpc.ts";
import { count } from "../ui/format.ts";
import { Section } from "../ui/page.tsx";
import { EmptyState } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Num, RelativeTime } from "../ui/values.tsx";
import { Subscribers } from "./subscribers.tsx";

type Topic = Outputs["topics"]["list"][number];

/** What flows tell each other, who listens, and the systems outside that are told too. */
export function Topics() {
  const trpc = useTRPC();
  const topics = useQuery({ ...trpc.topics.list.queryOptions(), refetchInterval: 15_000 });
  return (
    <div className="flex flex-col gap-6">
      <Section title="Topics">
        <Loaded query={topics} what="The topics could not be loaded">
          {(all) =>
            all.length === 0 ? (
              <EmptyState compact icon={Radio} title="No topic is used yet">
                A flow that ends with “Publish” makes each record an event of a topic. Any number of flows can start
                with it (“Event”), and systems outside can be told.
              </EmptyState>
            ) : (
              <Table label="Topics" columns={columns} rows={all} rowKey={({ topic }) => topic} tall />
            )
          }
        </Loaded>
      </Section>
      <Subscribers topics={topics.data?.map(({ topic }) => topic) ?? []} />
    </div>
  );
}

const columns: Column<Topic>[] = [
  {
    id: "topic",
    header: "Topic",
    cell: ({ topic }) => <span className="font-mono text-caption font-medium text-ink">{topic}</span>,
  },
  {
    id: "flows",
    header: "Flows that listen",
    cell: ({ flows }) =>
      flows.length === 0 ? (
        <span className="text-faint">none</span>
      ) : (
        <ul className="flex flex-col gap-0.5">
          {flows.map(({ id, name, types }) => (
            <li key={id}>
              <Link href={`/flows/${id}`} className="text-accent-text hover:underline">
                {name}
              </Link>
              {types && <span className="text-caption text-muted"> {types.join(", ")}</span>}
            </li>
          ))}
        </ul>
      ),
  },
  {
    id: "outside",
    header: "Outside",
    width: "130px",
    wideOnly: true,
    cell: ({ subscriptions }) =>
      subscriptions === 0 ? (
        <span className="text-faint">none</span>
      ) : (
        <span className="text-muted">{count(subscriptions, "subscriber")}</span>
      ),
  },
  {
    id: "events",
    header: "Events, 7 days",
    width: "110px",
    align: "right",
    wideOnly: true,
    cell: ({ events }) => <Num value={events} />,
  },
  {
    id: "last",
    header: "Last",
    width: "120px",
    wideOnly: true,
    cell: ({ lastAt }) =>
      lastAt ? <RelativeTime at={lastAt} className="text-muted" /> : <span className="text-faint">never</span>,
  },
];
