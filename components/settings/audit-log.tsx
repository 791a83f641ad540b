"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ScrollText } from "lucide-react";
import Link from "next/link";
import { Loaded } from "../server/loaded.tsx";
import { type AuditItem, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { auditDetail, auditHref, auditWords } from "./audit-words.ts";

const columns: Column<AuditItem>[] = [
  {
    id: "at",
    header: "When",
    width: "clamp(88px, 24vw, 140px)",
    cell: ({ at }) => <RelativeTime at={at} className="text-muted" />,
  },
  {
    id: "who",
    header: "Who",
    width: "220px",
    wideOnly: true,
    cell: ({ actor }) => <span title={actor}>{actor}</span>,
  },
  {
    id: "what",
    header: "What",
    cell: (item) => (
      <>
        <What item={item} />
        <span className="block truncate text-caption text-muted md:hidden">{item.actor}</span>
      </>
    ),
  },
  {
    id: "detail",
    header: "Detail",
    wideOnly: true,
    cell: (item) => {
      const text = auditDetail(item);
      return (
        <span title={text} className="text-caption text-muted">
          {text}
        </span>
      );
    },
  },
];

function What({ item }: { item: AuditItem }) {
  const href = auditHref(item);
  const words = auditWords(item);
  if (!href)
    return (
      <span title={words} className="font-medium text-ink">
        {words}
      </span>
    );
  return (
    <Link href={href} title={words} className="rounded-mark font-medium text-ink hover:underline">
      {words}
    </Link>
  );
}

/** Every change a person, a token or the system made. */
export function AuditLog() {
  const trpc = useTRPC();
  const audit = useInfiniteQuery(
    trpc.settings.audit.infiniteQueryOptions({ limit: 100 }, { getNextPageParam: (page) => page.next ?? undefined }),
  );
  return (
    <Loaded query={audit} what="The audit log could not be loaded">
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        if (items.length === 0) return <EmptyState compact icon={ScrollText} title="Nothing has been changed yet" />;
        return (
          <Table
            label="Audit log"
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            footer={
              audit.hasNextPage && (
                <Button onClick={() => audit.fetchNextPage()} busy={audit.isFetchingNextPage}>
                  Show 100 older
                </Button>
              )
            }
          />
        );
      }}
    </Loaded>
  );
}
