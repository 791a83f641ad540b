"use client";
import { useQuery } from "@tanstack/react-query";
import { Route } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Loaded } from "../server/loaded.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { useUrlValue } from "../ui/filters.tsx";
import { count } from "../ui/format.ts";
import { SearchInput } from "../ui/input.tsx";
import { Card, Page, PageHeader } from "../ui/page.tsx";
import { EmptyState } from "../ui/states.tsx";
import { Journey } from "./journey.tsx";

/** “Where is order 4711?” */
export function RecordsPage() {
  const [key, setKey] = useUrlValue("key");
  return <Search key={key ?? ""} asked={key ?? ""} onAsk={setKey} />;
}

function Search({ asked, onAsk }: { asked: string; onAsk: (key: string) => void }) {
  const trpc = useTRPC();
  const [typed, setTyped] = useState(asked);
  const journey = useQuery(trpc.records.journey.queryOptions({ key: asked }, { enabled: asked !== "" }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAsk(typed.trim());
  };
  return (
    <Page>
      <PageHeader
        title={asked ? `Where is ${asked}?` : "Where is it?"}
        sentence={
          journey.data && journey.data.length > 0
            ? `${count(journey.data.length, "thing")} happened to it.`
            : "Type the key of a record: an order number, an id, an e-mail if that is the key."
        }
      />
      <form onSubmit={submit} className="mb-4 flex max-w-md gap-2">
        <SearchInput label="Key of the record" value={typed} onChange={setTyped} className="flex-1" />
        <Button type="submit">Find it</Button>
      </form>
      {asked !== "" && (
        <Loaded query={journey} what="The record could not be looked up">
          {(items) =>
            items.length === 0 ? (
              <EmptyState icon={Route} title={`Nothing is known of “${asked}”`}>
                No run has read, written or refused a record with exactly this key. Records that were read and unchanged
                leave no trace of their own.
              </EmptyState>
            ) : (
              <Card className="p-4">
                <Journey items={items} />
              </Card>
            )
          }
        </Loaded>
      )}
    </Page>
  );
}
