"use client";
import { useMay, useMe } from "../server/me.tsx";
import { Topics } from "../topics/topics.tsx";
import { useUrlValue } from "../ui/filters.tsx";
import { Page, PageHeader } from "../ui/page.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { Account } from "./account.tsx";
import { AuditLog } from "./audit-log.tsx";
import { People } from "./people.tsx";
import { RetentionSettings } from "./retention.tsx";
import { Tokens } from "./tokens.tsx";
import { Workspace } from "./workspace.tsx";

const tabs = [
  { value: "account", label: "Your account", content: <Account /> },
  { value: "workspace", label: "Workspace", content: <Workspace /> },
  { value: "retention", label: "How long things are kept", content: <RetentionSettings /> },
  { value: "people", label: "People", content: <People /> },
  { value: "topics", label: "Topics", content: <Topics /> },
  { value: "tokens", label: "API tokens", content: <Tokens /> },
  { value: "audit", label: "Audit log", content: <AuditLog /> },
];

/** What a person may change: everybody their own account, an admin also what belongs to all. */
export function SettingsPage() {
  const me = useMe();
  const mayAdmin = useMay("admin");
  const [part, setPart] = useUrlValue("part");
  return (
    <Page>
      <PageHeader
        title="Settings"
        sentence={
          mayAdmin
            ? `Who works in ${me.workspace.name}, and what programs may do.`
            : `Your own account. Your role in ${me.workspace.name} is ${me.role}; what belongs to all is for its admins.`
        }
      />
      {mayAdmin ? (
        <Tabs
          label="Parts of the settings"
          tabs={tabs}
          value={tabs.some(({ value }) => value === part) ? (part ?? "workspace") : "workspace"}
          onChange={setPart}
        />
      ) : (
        <Account />
      )}
    </Page>
  );
}
