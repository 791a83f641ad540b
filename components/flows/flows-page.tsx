"use client";
import { useQuery } from "@tanstack/react-query";
import { Plus, Workflow } from "lucide-react";
import { useState } from "react";
import type { FlowSummary } from "../../server/trpc/contract/flows.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { FilterChip, useUrlValue } from "../ui/filters.tsx";
import { count } from "../ui/format.ts";
import { SearchInput } from "../ui/input.tsx";
import { Page, PageHeader } from "../ui/page.tsx";
import { byName } from "../ui/sort.ts";
import { EmptyState } from "../ui/states.tsx";
import { healths } from "./flow-health.tsx";
import { FlowsTable } from "./flows-table.tsx";
import { ImportFlow } from "./import-flow.tsx";
import { NewFlow } from "./new-flow.tsx";

const healthOptions = Object.entries(healths).map(([value, { word }]) => ({ value, label: word }));

export function FlowsPage() {
  const trpc = useTRPC();
  const mayBuild = useMay("builder");
  const flows = useQuery(trpc.flows.list.queryOptions({}));
  const [health, setHealth] = useUrlValue("health");
  const [connection, setConnection] = useUrlValue("connection");
  const [adding, setAdding] = useUrlValue("new");
  const [search, setSearch] = useState("");
  const none = flows.data?.length === 0;
  const connections = [...new Set((flows.data ?? []).flatMap((flow) => flow.connections))].sort();
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setAdding("1")}>
      New flow
    </Button>
  );
  return (
    <Page>
      <PageHeader
        title="Flows"
        sentence={flows.data ? flowsSentence(flows.data) : "What moves between your systems."}
        actions={
          mayBuild && (
            <>
              <ImportFlow />
              {!none && add}
            </>
          )
        }
      />
      {!none && (
        <div className="mb-3 flex flex-wrap gap-2">
          <SearchInput label="Find a flow" value={search} onChange={setSearch} className="w-52 max-sm:w-full" />
          <FilterChip label="Health" options={healthOptions} value={health} onChange={setHealth} />
          <FilterChip
            label="Connection"
            options={connections.map((name) => ({ value: name, label: name }))}
            value={connection}
            onChange={setConnection}
          />
        </div>
      )}
      <Loaded query={flows} what="The flows could not be loaded">
        {(all) => {
          const shown = byName(all).filter(
            (flow) =>
              (!health || flow.health === health) &&
              (!connection || flow.connections.includes(connection)) &&
              flow.name.toLowerCase().includes(search.trim().toLowerCase()),
          );
          if (shown.length === 0) {
            return (
              <EmptyState
                icon={Workflow}
                title={none ? "There is no flow yet" : "No flow matches"}
                action={none && mayBuild && add}
              >
                {none
                  ? "A flow reads records from one system, checks and maps them, and writes them to another."
                  : "Take a filter away to see more."}
              </EmptyState>
            );
          }
          return <FlowsTable flows={shown} />;
        }}
      </Loaded>
      {adding && mayBuild && <NewFlow onClose={() => setAdding(null)} />}
    </Page>
  );
}

/** “3 flows are fine, 1 needs a look.” */
export function flowsSentence(flows: FlowSummary[]): string {
  const live = flows.filter((flow) => flow.health !== "draft");
  const calling = live.filter((flow) => flow.health === "attention" || flow.health === "waiting").length;
  const drafts = flows.length - live.length;
  if (flows.length === 0) return "What moves between your systems.";
  if (live.length === 0) return `${count(drafts, "draft")}, none published yet.`;
  const fine = live.length - calling;
  const parts = [
    fine > 0 ? `${count(fine, "flow")} ${fine === 1 ? "is" : "are"} fine` : null,
    calling > 0 ? `${fine > 0 ? calling : count(calling, "flow")} ${calling === 1 ? "needs" : "need"} a look` : null,
    drafts > 0 ? `${count(drafts, "draft")}` : null,
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}
