"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { PlugZap, Trash2, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { readFailure } from "../server/failure.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMay } from "../server/me.tsx";
import { type ConnectionDetail, type ConnectorInfo, useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { useUrlValue } from "../ui/filters.tsx";
import { Card, Page, PageHeader } from "../ui/page.tsx";
import { EmptyState, Notice, SkeletonRows } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { toast } from "../ui/toast.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { BrowseData } from "./browse-data.tsx";
import { ConnectionForm } from "./connection-form.tsx";
import { ConnectionStatePill } from "./connection-state.tsx";
import { sayLeftRecorders } from "./left-recorders.ts";
import { OutageNotice } from "./outage-notice.tsx";
import { withoutName } from "./outage-words.ts";

/** One connection: whether it answers, what it holds, how it is set up. */
export function ConnectionPage({ id }: { id: string }) {
  const trpc = useTRPC();
  const connection = useQuery({
    ...trpc.connections.get.queryOptions({ id }),
    refetchInterval: ({ state }) => (state.data?.outage ? 5_000 : false), // what waits for it, and when it is tried
  });
  const connectors = useQuery(trpc.connections.connectors.queryOptions());
  return (
    <Page>
      <Loaded
        query={connection}
        what="This connection could not be loaded"
        missing={{ title: "There is no such connection", href: "/connections", go: "All connections" }}
        skeleton={<SkeletonRows />}
      >
        {(data) => (
          <TheConnection connection={data} connector={connectors.data?.find((one) => one.id === data.connector)} />
        )}
      </Loaded>
    </Page>
  );
}

function TheConnection({
  connection,
  connector,
}: {
  connection: ConnectionDetail;
  connector: ConnectorInfo | undefined;
}) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const mayBuild = useMay("builder");
  const mayRemove = useMay("admin");
  const [tab, setTab] = useUrlValue("part");
  const [checkNow, setCheckNow] = useUrlValue("check");
  const [edits, setEdits] = useState(0);
  const refresh = async () => {
    await Promise.all(
      [trpc.connections.get, trpc.connections.list, trpc.connections.offers, trpc.connections.browse].map((part) =>
        queries.invalidateQueries(part.pathFilter()),
      ),
    );
  };
  const check = useMutation(trpc.connections.check.mutationOptions({ onSettled: refresh }));
  const update = useMutation(
    trpc.connections.update.mutationOptions({
      onSuccess: async () => {
        toast({ title: `“${connection.name}” is saved` });
        check.mutate({ id: connection.id });
        await refresh();
        setEdits((count) => count + 1);
      },
    }),
  );
  const begun = useRef(false);
  useEffect(() => {
    if (!checkNow || begun.current) return;
    begun.current = true;
    check.mutate({ id: connection.id });
    setCheckNow(null);
  }, [checkNow, check.mutate, connection.id, setCheckNow]);
  const broken = connection.state === "refused" || connection.state === "unreachable";
  const said = check.data ? check.data.message : connection.stateMessage;
  const message = said && withoutName(said, connection.name);
  const tabs = [
    {
      value: "data",
      label: "Data",
      content: broken ? (
        <EmptyState compact icon={PlugZap} title="What it holds can be seen once it answers">
          Mend its settings, or check again when the system is up.
        </EmptyState>
      ) : (
        <BrowseData connectionId={connection.id} />
      ),
    },
    ...(mayBuild
      ? [
          {
            value: "settings",
            label: "Settings",
            content: connector ? (
              <div className="max-w-xl">
                <ConnectionForm
                  key={edits}
                  id="connection"
                  connector={connector}
                  stored={{
                    name: connection.name,
                    settings: connection.settings,
                    credentialsSet: connection.credentialsSet,
                  }}
                  failure={update.error}
                  onSubmit={({ name, settings, credentials }) =>
                    update.mutate({
                      id: connection.id,
                      settings,
                      ...(name !== connection.name && { name }),
                      ...(Object.keys(credentials).length > 0 && { credentials }),
                    })
                  }
                >
                  <div>
                    <Button type="submit" large look="plain" busy={update.isPending}>
                      Save and check
                    </Button>
                  </div>
                </ConnectionForm>
              </div>
            ) : (
              <SkeletonRows />
            ),
          },
        ]
      : []),
    { value: "used", label: "Used by", count: connection.usedBy.length, content: <UsedBy connection={connection} /> },
  ];
  return (
    <>
      <PageHeader
        crumbs={[{ label: "Connections", href: "/connections" }]}
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            {connection.name}
            <ConnectionStatePill state={connection.state} />
          </span>
        }
        sentence={
          <>
            {connection.connectorTitle}
            {connection.checkedAt && (
              <>
                {" "}
                · checked <RelativeTime at={connection.checkedAt} />
                {/* in this line, so that nothing below moves from under the hand when the answer comes */}
                {check.data?.ok && check.data.message && <span role="status"> · {check.data.message}</span>}
              </>
            )}
          </>
        }
        actions={
          <>
            {mayRemove && <RemoveConnection connection={connection} />}
            {mayBuild && (
              <Button
                icon={PlugZap}
                look="primary"
                busy={check.isPending}
                onClick={() => check.mutate({ id: connection.id })}
              >
                Check
              </Button>
            )}
          </>
        }
      />
      <div className="flex flex-col gap-4">
        {check.isError && (
          <Notice tone="bad" icon={TriangleAlert}>
            {readFailure(check.error).message}
          </Notice>
        )}
        {connection.outage && <OutageNotice outage={connection.outage} detail={message} />}
        {broken && message && !connection.outage && (
          <Notice
            tone={connection.state === "refused" ? "bad" : "warn"}
            icon={TriangleAlert}
            action={
              mayBuild && tab !== "settings" && <Button onClick={() => setTab("settings")}>Open its settings</Button>
            }
          >
            {message}
          </Notice>
        )}
        <Tabs
          label="Parts of this connection"
          tabs={tabs}
          value={tabs.some(({ value }) => value === tab) ? (tab ?? "data") : "data"}
          onChange={setTab}
        />
      </div>
    </>
  );
}

function UsedBy({ connection }: { connection: ConnectionDetail }) {
  if (connection.usedBy.length === 0) {
    return (
      <EmptyState compact icon={PlugZap} title="No flow uses it">
        It can be removed without effect on anything.
      </EmptyState>
    );
  }
  return (
    <Card>
      <ul className="divide-y divide-line">
        {connection.usedBy.map(({ id, name }) => (
          <li key={id}>
            <Link
              href={`/flows/${id}`}
              className="block rounded-control px-3 py-2 font-medium text-ink -outline-offset-2 hover:bg-hover"
            >
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function RemoveConnection({ connection }: { connection: ConnectionDetail }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const router = useRouter();
  const [asking, setAsking] = useState(false);
  const used = connection.usedBy;
  const remove = useMutation(
    trpc.connections.remove.mutationOptions({
      onSuccess: async ({ recorders }) => {
        sayLeftRecorders(recorders);
        router.replace("/connections");
        await queries.invalidateQueries(trpc.connections.list.pathFilter());
      },
    }),
  );
  const refusal = remove.isError ? readFailure(remove.error).message : null;
  return (
    <>
      <Button icon={Trash2} onClick={() => setAsking(true)}>
        Remove
      </Button>
      <ConfirmDialog
        open={asking}
        onClose={() => {
          setAsking(false);
          remove.reset();
        }}
        danger
        busy={remove.isPending}
        title={
          used.length > 0
            ? `“${connection.name}” cannot be removed while flows use it`
            : `Remove “${connection.name}”: its settings and credentials are deleted`
        }
        action={used.length > 0 ? undefined : "Remove the connection"}
        onConfirm={() => remove.mutate({ id: connection.id })}
      >
        {refusal ? (
          <span className="text-bad-text">{refusal}</span>
        ) : used.length > 0 ? (
          `Used by ${used.map(({ name }) => `“${name}”`).join(", ")}. Let them use another connection, or remove them first.`
        ) : (
          "Nothing in the system itself is touched, but for what was installed there to record changes: that is removed. Runs of the past keep its name."
        )}
      </ConfirmDialog>
    </>
  );
}
