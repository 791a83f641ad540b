"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MailPlus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { PendingInvitation, Person } from "../../server/trpc/contract/people.ts";
import { sayFailure } from "../server/act.ts";
import { Loaded } from "../server/loaded.tsx";
import { useMe } from "../server/me.tsx";
import { useTRPC } from "../server/trpc.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Section } from "../ui/page.tsx";
import { Select } from "../ui/select.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { InviteDialog } from "./invite-dialog.tsx";
import { roleOptions, rolesUpTo } from "./roles.ts";

/** Who works here and what each may do; open invitations. */
export function People() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const me = useMe();
  const people = useQuery(trpc.settings.people.queryOptions());
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Person | null>(null);
  const refresh = () => queries.invalidateQueries(trpc.settings.people.pathFilter());
  const changeRole = useMutation(
    trpc.settings.changeRole.mutationOptions({ ...sayFailure("The role could not be changed"), onSettled: refresh }),
  );
  const remove = useMutation(
    trpc.settings.removePerson.mutationOptions({
      ...sayFailure("The person could not be removed"),
      onSettled: () => {
        setRemoving(null);
        return refresh();
      },
    }),
  );
  const withdraw = useMutation(
    trpc.settings.removeInvitation.mutationOptions({
      ...sayFailure("The invitation could not be withdrawn"),
      onSettled: refresh,
    }),
  );
  const mine = rolesUpTo(me.role);
  const columns: Column<Person>[] = [
    {
      id: "name",
      header: "Name",
      cell: (person) => (
        <span className="font-medium text-ink">
          {person.name}
          {person.userId === me.user.id && <span className="font-normal text-muted"> (you)</span>}
          <span className="block truncate text-caption font-normal text-muted md:hidden">{person.email}</span>
        </span>
      ),
    },
    {
      id: "email",
      header: "E-mail",
      wideOnly: true,
      cell: (person) => <span className="text-muted">{person.email}</span>,
    },
    {
      id: "role",
      header: "Role",
      width: "150px",
      cell: (person) => {
        const above = !mine.some(({ value }) => value === person.role);
        return (
          <Select
            label={`Role of ${person.name}`}
            value={person.role}
            options={above ? roleOptions : mine}
            disabled={above}
            onChange={(role) => changeRole.mutate({ userId: person.userId, role })}
          />
        );
      },
    },
    {
      id: "since",
      header: "Since",
      width: "110px",
      wideOnly: true,
      cell: (person) => <RelativeTime at={person.since} className="text-muted" />,
    },
    {
      id: "remove",
      header: <span className="sr-only">Remove</span>,
      width: "52px",
      align: "right",
      cell: (person) =>
        person.userId !== me.user.id && (
          <IconButton label={`Remove ${person.name}`} icon={Trash2} onClick={() => setRemoving(person)} />
        ),
    },
  ];
  const invitationColumns: Column<PendingInvitation>[] = [
    { id: "email", header: "E-mail", cell: ({ email }) => email },
    { id: "role", header: "Role", width: "130px", cell: ({ role }) => <span className="text-muted">{role}</span> },
    {
      id: "until",
      header: "Ends",
      width: "130px",
      cell: ({ expiresAt }) => <RelativeTime at={expiresAt} className="text-muted" />,
    },
    {
      id: "remove",
      header: <span className="sr-only">Withdraw</span>,
      width: "52px",
      align: "right",
      cell: ({ id, email }) => (
        <IconButton
          label={`Withdraw the invitation of ${email}`}
          icon={Trash2}
          onClick={() => withdraw.mutate({ id })}
        />
      ),
    },
  ];
  return (
    <Loaded query={people} what="The people could not be loaded">
      {({ people: all, invitations }) => (
        <div className="flex flex-col gap-6">
          <Section
            title={`${all.length === 1 ? "1 person" : `${all.length} people`}`}
            aside={
              <Button icon={MailPlus} onClick={() => setInviting(true)}>
                Invite
              </Button>
            }
          >
            <Table label="People" columns={columns} rows={all} rowKey={({ userId }) => userId} />
          </Section>
          {invitations.length > 0 && (
            <Section title="Invited">
              <Table
                label="Invitations"
                columns={invitationColumns}
                rows={invitations}
                rowKey={({ id }) => id}
                keys={false}
              />
            </Section>
          )}
          {inviting && <InviteDialog roles={mine} onClose={() => setInviting(false)} onInvited={refresh} />}
          <ConfirmDialog
            open={removing !== null}
            onClose={() => setRemoving(null)}
            danger
            busy={remove.isPending}
            title={`Remove ${removing?.name}: they are signed out at once and cannot come back without an invitation`}
            action="Remove the person"
            onConfirm={() => removing && remove.mutate({ userId: removing.userId })}
          >
            Flows and runs they made stay. API tokens they made keep working; remove those under API tokens.
          </ConfirmDialog>
        </div>
      )}
    </Loaded>
  );
}
