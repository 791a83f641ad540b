"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { UserCheck } from "lucide-react";
import type { ComponentProps } from "react";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { useUrlValue } from "../ui/filters.tsx";
import { count } from "../ui/format.ts";
import { Card, Page, PageHeader } from "../ui/page.tsx";
import { EmptyState } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { AnswerAll } from "./answer-all.tsx";
import { ApprovalCard } from "./approval-card.tsx";

const PAGE = 50;

/** Records that wait for a person's yes or no, and what was answered. */
export function ApprovalsPage() {
  const [tab, setTab] = useUrlValue("show");
  const state = tab === "answered" ? "answered" : "open";
  return (
    <Page>
      <PageHeader
        title="Approvals"
        sentence="Records that wait until somebody says yes or no. They go on within about a second of the answer."
      />
      <Tabs
        label="Approvals"
        value={state}
        onChange={(next) => setTab(next === "open" ? null : next)}
        tabs={[
          { value: "open", label: "Waiting", content: <ApprovalList state="open" /> },
          { value: "answered", label: "Answered", content: <ApprovalList state="answered" /> },
        ]}
      />
    </Page>
  );
}

function ApprovalList({ state }: { state: "open" | "answered" }) {
  const trpc = useTRPC();
  const options = trpc.approvals.list.infiniteQueryOptions(
    { state, limit: PAGE },
    { getNextPageParam: (page) => page.next ?? undefined },
  );
  const approvals = useInfiniteQuery({ ...options, refetchInterval: 15_000 });
  const items = approvals.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="pt-4">
      <Loaded query={approvals} what="The approvals could not be loaded">
        {() =>
          items.length === 0 ? (
            <EmptyState
              icon={UserCheck}
              title={state === "open" ? "Nothing waits for an answer" : "Nothing was answered yet"}
            >
              {state === "open" && "Records come here from flows with a step “Approve”."}
            </EmptyState>
          ) : (
            <>
              {state === "open" && (
                <p className="mb-3 text-work text-muted">
                  {approvals.hasNextPage
                    ? `The ${items.length} oldest records; more wait behind them`
                    : `${count(items.length, "record")}, the oldest first`}
                </p>
              )}
              {state === "open" && <Together items={items} />}
              <ul className="flex flex-col gap-3">
                {items.map((item) => (
                  <li key={item.id}>
                    <ApprovalCard approval={item} />
                  </li>
                ))}
              </ul>
              {approvals.hasNextPage && (
                <Button
                  className="mt-4"
                  onClick={() => approvals.fetchNextPage()}
                  busy={approvals.isFetchingNextPage}
                >{`Show ${PAGE} more`}</Button>
              )}
            </>
          )
        }
      </Loaded>
    </div>
  );
}

/** Steps of which several records here wait for this person: they may be answered in one go. */
function Together({ items }: { items: ComponentProps<typeof ApprovalCard>["approval"][] }) {
  const steps = Map.groupBy(
    items.filter(({ mine }) => mine),
    ({ flow, stepTitle, question }) => `${flow} ${stepTitle} ${question}`,
  );
  const many = [...steps].filter(([, own]) => own.length > 1);
  if (many.length === 0) return null;
  return (
    <Card className="mb-3">
      <ul className="divide-y divide-line">
        {many.map(([key, own]) => (
          <li key={key} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5">
            <span className="min-w-0 flex-1 basis-64">
              <span className="block font-medium text-ink">{own[0]?.question ?? own[0]?.stepTitle}</span>
              <span className="block text-muted">
                {count(own.length, "record")} of “{own[0]?.flowName}”
              </span>
            </span>
            <AnswerAll approvals={own} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
