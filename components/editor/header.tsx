"use client";
import {
  Check,
  ChevronDown,
  CircleAlert,
  CloudUpload,
  FlaskConical,
  Inbox,
  LoaderCircle,
  Play,
  Redo2,
  Rocket,
  Undo2,
} from "lucide-react";
import Link from "next/link";
import { type ReactNode, useEffect, useState } from "react";
import { ResumeFlow } from "../flows/resume-flow.tsx";
import { TRY_AT_MOST } from "../runs/run-words.ts";
import { useMay } from "../server/me.tsx";
import { Button, ButtonLink, IconButton } from "../ui/button.tsx";
import { cx } from "../ui/cx.ts";
import { count } from "../ui/format.ts";
import { Menu, MenuItem } from "../ui/menu.tsx";
import { StatusPill } from "../ui/pill.tsx";
import { RelativeTime } from "../ui/values.tsx";
import { useEditor } from "./editor-context.tsx";
import type { SaveState } from "./use-autosave.ts";

type Props = {
  live: { version: number } | null;
  changes: number;
  paused: boolean;
  /** why it stopped by itself */
  pausedReason: string | null;
  nextRunAt: string | null;
  /** of a flow that follows changes: whether they are recorded, else why not */
  watching: { live: boolean | null; note: string | null } | null;
  save: SaveState;
  onSave: () => void;
  history: { undo: (() => void) | null; redo: (() => void) | null };
  onTry: (limit: number | null) => void;
  trying: boolean;
  onPublish: () => void;
  onRun: () => void;
  running: boolean;
  /** of a flow that starts with events: where they are seen; it is not run by hand */
  deliveries: string | null;
  menu: ReactNode;
};

/** The name, where the draft stands, and what can be done with it. */
export function EditorHeader({
  live,
  changes,
  paused,
  pausedReason,
  nextRunAt,
  watching,
  save,
  onSave,
  history,
  menu,
  ...actions
}: Props) {
  const { flow, act, readOnly } = useEditor();
  const mayOperate = useMay("builder");
  const [name, setName] = useState(flow.name);
  useEffect(() => setName(flow.name), [flow.name]);
  const commit = () => (name.trim() === "" ? setName(flow.name) : act({ type: "renameFlow", name }));
  const standing =
    live === null
      ? "Draft, never published"
      : changes === 0
        ? `Live v${live.version}`
        : `Draft · ${count(changes, "change")} from live v${live.version}`;
  return (
    <header className="flex flex-wrap items-center gap-x-2 gap-y-1 border-b border-line bg-surface px-3 py-1.5 max-md:px-2">
      <h1 className="sr-only">{flow.name}</h1>
      <nav aria-label="Breadcrumbs" className="text-work text-muted max-md:hidden">
        <Link href="/flows" className="rounded-mark hover:text-ink hover:underline">
          Flows
        </Link>
        <span aria-hidden className="pl-2 text-faint">
          /
        </span>
      </nav>
      <input
        aria-label="Name of the flow"
        value={name}
        readOnly={readOnly}
        maxLength={200}
        onChange={(event) => setName(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") setName(flow.name);
        }}
        className="control field-sizing-content max-w-80 min-w-24 rounded-control border border-transparent bg-transparent px-1.5 text-heading! font-semibold text-ink hover:not-read-only:border-edge focus:border-edge max-md:max-w-[60vw]"
      />
      <span className="flex items-center gap-2 text-work text-muted">
        <span className="whitespace-nowrap">{standing}</span>
        {paused && (
          <StatusPill tone="warn" icon={CircleAlert}>
            Stopped
          </StatusPill>
        )}
        {paused && pausedReason !== null && (
          <span className="max-w-96 truncate max-lg:sr-only" title={pausedReason}>
            {pausedReason}
          </span>
        )}
        {!paused && watching && watching.live !== false && (
          <span className="whitespace-nowrap max-lg:hidden">· starts as records change</span>
        )}
        {!paused && nextRunAt && (
          <span className="whitespace-nowrap max-lg:hidden">
            · next run <RelativeTime ahead at={nextRunAt} />
          </span>
        )}
      </span>
      <span className="ml-auto flex items-center gap-1.5 max-md:gap-1">
        {!readOnly && <Saved state={save} onSave={onSave} />}
        {!readOnly && (
          <>
            <IconButton
              label="Undo"
              keys="Ctrl Z"
              icon={Undo2}
              disabled={!history.undo}
              onClick={() => history.undo?.()}
            />
            <IconButton
              className="max-md:hidden"
              label="Redo"
              keys="Ctrl ⇧ Z"
              icon={Redo2}
              disabled={!history.redo}
              onClick={() => history.redo?.()}
            />
          </>
        )}
        {mayOperate && <Actions {...actions} live={live} paused={paused} readOnly={readOnly} />}
        {menu}
      </span>
    </header>
  );
}

function Actions({
  live,
  paused,
  readOnly,
  onTry,
  trying,
  onPublish,
  onRun,
  running,
  deliveries,
}: Pick<Props, "live" | "paused" | "onTry" | "trying" | "onPublish" | "onRun" | "running" | "deliveries"> & {
  readOnly: boolean;
}) {
  const { flowId } = useEditor();
  return (
    <>
      <span className="inline-flex">
        <Button
          large
          icon={FlaskConical}
          busy={trying}
          onClick={() => onTry(TRY_AT_MOST)}
          className="rounded-r-none! border-r-0! text-dry-text!"
        >
          Try it
        </Button>
        <Menu
          trigger={
            <button
              type="button"
              aria-label="How many records to try"
              className="control-large inline-flex w-6 pointer-coarse:w-9 items-center justify-center rounded-l-none! border border-edge bg-surface text-muted hover:bg-hover"
            >
              <ChevronDown aria-hidden className="size-3.5" />
            </button>
          }
        >
          <MenuItem icon={FlaskConical} onSelect={() => onTry(TRY_AT_MOST)}>
            Try the first {count(TRY_AT_MOST, "record")}
          </MenuItem>
          <MenuItem icon={FlaskConical} onSelect={() => onTry(null)}>
            Try all records
          </MenuItem>
        </Menu>
      </span>
      {live && paused && <ResumeFlow flowId={flowId} large />}
      {live && !paused && !deliveries && (
        <Button large icon={Play} busy={running} onClick={onRun} aria-label="Run now">
          <span className="max-md:hidden">Run now</span>
          <span className="md:hidden">Run</span>
        </Button>
      )}
      {live && deliveries && (
        <ButtonLink large icon={Inbox} href={deliveries} className="max-md:hidden">
          Deliveries
        </ButtonLink>
      )}
      {!readOnly && (
        <Button look="primary" icon={Rocket} onClick={onPublish}>
          Publish
        </Button>
      )}
    </>
  );
}

function Saved({ state, onSave }: { state: SaveState; onSave: () => void }) {
  const looks = {
    saved: { icon: Check, text: "Saved", tone: "text-faint" },
    unsaved: { icon: CloudUpload, text: "Saving", tone: "text-faint" },
    saving: { icon: LoaderCircle, text: "Saving", tone: "text-faint" },
    conflict: { icon: CircleAlert, text: "Changed elsewhere", tone: "text-warn-text" },
    failed: { icon: CircleAlert, text: "Not saved", tone: "text-bad-text" },
  } as const;
  const { icon: Icon, text, tone } = looks[state.kind];
  const calm = state.kind === "saved" || state.kind === "saving" || state.kind === "unsaved";
  return (
    <span
      role="status"
      className={cx("flex items-center justify-end gap-1 text-caption md:min-w-20", tone)}
      title={state.kind === "failed" ? state.why : undefined}
    >
      <Icon
        aria-hidden
        className={cx("size-3.5", calm && "max-md:hidden", state.kind === "saving" && "animate-spin")}
      />
      <span className={cx(calm && "max-md:sr-only")}>{text}</span>
      {state.kind === "failed" && (
        <button type="button" onClick={onSave} className="rounded-mark font-medium underline underline-offset-2">
          Save again
        </button>
      )}
    </span>
  );
}
