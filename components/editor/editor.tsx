"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { PanelLeftOpen, PanelRightOpen } from "lucide-react";
import { useCallback, useDeferredValue, useMemo, useState } from "react";
import { diffFlows } from "../../engine/flow/diff.ts";
import { readDraft } from "../../engine/flow/read-draft.ts";
import type { Step } from "../../engine/flow/schema.ts";
import type { Problem } from "../../engine/steps/define-step.ts";
import { arrange } from "../canvas/arrange.ts";
import { FlowCanvas } from "../canvas/flow-canvas.tsx";
import { Mapper } from "../mapper/mapper.tsx";
import { useLiveRun } from "../runs/use-live-run.ts";
import { useMay } from "../server/me.tsx";
import { type Outputs, useTRPC, useTRPCClient } from "../server/trpc.ts";
import { IconButton } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { toast } from "../ui/toast.tsx";
import { Drawer, type DrawerPart } from "./drawer.tsx";
import { EditorProvider, type EditorState } from "./editor-context.tsx";
import { EditorMenu } from "./editor-menu.tsx";
import { EmptyHint } from "./empty-hint.tsx";
import { focusField } from "./focus-field.ts";
import { EditorHeader } from "./header.tsx";
import { Inspector } from "./inspector/inspector.tsx";
import { LinkDialog } from "./link-dialog.tsx";
import { NarrowButtons } from "./narrow-buttons.tsx";
import { ConflictNotice, UnreadableNotice } from "./notices.tsx";
import { Palette } from "./palette.tsx";
import { PublishDialog } from "./publish-dialog.tsx";
import { startsWithEvents } from "./starts-with-events.ts";
import { mapBefore } from "./target-of.ts";
import { useDraft } from "./use-draft.ts";
import { useEditorKeys } from "./use-editor-keys.ts";
import { useHand } from "./use-hand.ts";
import { useIsNarrow } from "./use-is-narrow.ts";
import { useMarks } from "./use-marks.ts";
import { usePlaces } from "./use-places.ts";
import { useRunStart } from "./use-run-start.ts";
import { useValidation } from "./use-validation.ts";

type Detail = Outputs["flows"]["get"];

/** Settings of a write step itself; any other field of a problem is one of its target. */
const writeSettings = new Set(["", "connection", "sink", "operation", "match"]);

/** The flow editor: palette, canvas, inspector, drawer, and the mapper over them. */
export function Editor({ detail }: { detail: Detail }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const readOnly = !useMay("builder");
  const narrow = useIsNarrow();
  const flowId = detail.id;
  const { flow, broken, setBroken, first, history, dispatch, act, save, load } = useDraft(detail, readOnly);
  const places = usePlaces({ flowId, flow });

  const [selected, setSelected] = useState<string | null>(null);
  const [mapping, setMapping] = useState<{ step: string; field?: string } | null>(null);
  const [linking, setLinking] = useState<string | null>(null);
  const [publishing, setPublishing] = useState(false);
  const [part, setPart] = useState<DrawerPart | null>(null);
  const [sample, setSample] = useState(0);
  const [panels, setPanels] = useState({ palette: true, inspector: true });
  const [sheet, setSheet] = useState<"palette" | "inspector" | null>(null);

  const settled = useDeferredValue(flow);
  const validation = useValidation({ flow: settled, places, broken, unread: first.problems, known: detail.validation });
  const live = detail.live;
  const liveVersion = useQuery(
    trpc.flows.version.queryOptions(
      { flowId, version: live?.version ?? 1 },
      { enabled: live !== null, staleTime: Number.POSITIVE_INFINITY },
    ),
  );
  const changes = useMemo(
    () => (liveVersion.data ? diffFlows(readDraft(liveVersion.data.document).flow, settled) : []),
    [liveVersion.data, settled],
  );

  const starts = useRunStart({ flowId, flush: save.flush, onStarted: () => setPart("run") });
  const runId = starts.runId ?? detail.lastRun?.id ?? null;
  const run = useLiveRun(runId);
  const { marks, runLook } = useMarks({
    flow: settled,
    problems: validation.problems,
    run: run.data,
    world: places.world,
  });

  const select = useCallback((id: string | null) => {
    setSelected(id);
    setSample(0);
  }, []);
  const openMapper = useCallback((step: string) => {
    setSheet(null);
    setMapping({ step });
  }, []);
  const openStep = useCallback((step: Step) => {
    setSelected(step.id);
    if (step.kind === "map") setMapping({ step: step.id });
    else setPanels((now) => ({ ...now, inspector: true }));
  }, []);
  const { add, handlers } = useHand({
    flow,
    places: places.places,
    act,
    selected,
    onSelect: select,
    onAdded: (id) => {
      setSelected(id);
      setSheet(null);
    },
    onOpen: openStep,
    onLinkByKey: setLinking,
  });

  useEditorKeys(dispatch, mapping === null ? select : null);

  const jump = (problem: Problem) => {
    setPublishing(false);
    const step = flow.steps.find(({ id }) => id === problem.step);
    select(step?.id ?? null);
    // A field the target lacks is mended where it is mapped.
    const ofTarget = step?.kind === "write" && !writeSettings.has(problem.field ?? "");
    const map = step?.kind === "map" ? step : ofTarget ? mapBefore(flow, step.id) : undefined;
    if (map) {
      setMapping({ step: map.id, ...(problem.field && problem.field !== "fields" ? { field: problem.field } : {}) });
      return;
    }
    setTimeout(() => focusField(problem.field), 120);
    if (narrow) setSheet("inspector");
    else setPanels((now) => ({ ...now, inspector: true }));
  };

  const editor: EditorState = {
    flowId,
    flow,
    act,
    readOnly,
    selected: flow.steps.some(({ id }) => id === selected) ? selected : null,
    select,
    openMapper,
    problems: validation.problems,
    notes: validation.notes,
    shapes: validation.shapes,
    places,
    sample,
    setSample,
  };
  const linkingStep = flow.steps.find(({ id }) => id === linking);
  const mappingStep = flow.steps.find(({ id }) => id === mapping?.step);
  const chosen = flow.steps.find(({ id }) => id === selected);

  return (
    <EditorProvider value={editor}>
      <div className="absolute inset-0 flex flex-col bg-ground">
        {/* What lies below the mapper cannot be reached until it is done. */}
        <div inert={mappingStep !== undefined} className="flex min-h-0 flex-1 flex-col">
          <EditorHeader
            live={live}
            changes={changes.length}
            paused={detail.paused}
            pausedReason={detail.pausedReason}
            nextRunAt={detail.nextRunAt}
            watching={detail.watching}
            save={save.state}
            onSave={save.flush}
            history={{
              undo: history.past.length > 0 ? () => dispatch({ type: "undo" }) : null,
              redo: history.future.length > 0 ? () => dispatch({ type: "redo" }) : null,
            }}
            onTry={starts.tryIt}
            trying={starts.trying}
            onPublish={() => setPublishing(true)}
            onRun={starts.runNow}
            running={starts.starting}
            deliveries={startsWithEvents(flow) ? `/flows/${flowId}/deliveries` : null}
            menu={
              <EditorMenu
                detail={detail}
                onArrange={() => act({ type: "moveSteps", layout: arrange(flow, "all") })}
                onImport={(imported) => act({ type: "replaceFlow", flow: imported })}
              />
            }
          />
          {save.state.kind === "conflict" && (
            <ConflictNotice
              onReload={async () => {
                const fresh = await client.flows.get.query({ flowId });
                load(fresh);
              }}
              onKeep={async () => {
                const fresh = await client.flows.get.query({ flowId });
                save.rebase(fresh.revision);
                if (await save.flush()) toast({ title: "Your draft is saved over the other one" });
              }}
            />
          )}
          {broken.length > 0 && <UnreadableNotice steps={broken} onRemove={() => setBroken([])} readOnly={readOnly} />}
          <div className="relative flex min-h-0 flex-1">
            {!narrow && !readOnly && panels.palette && (
              <aside aria-label="What to add" className="w-52 shrink-0 border-r border-line bg-surface">
                <Palette onAdd={add} onHide={() => setPanels({ ...panels, palette: false })} />
              </aside>
            )}
            <div className="relative min-w-0 flex-1">
              <FlowCanvas
                flow={flow}
                marks={marks}
                run={runLook}
                selected={selected}
                handlers={readOnly ? undefined : handlers}
                onSelect={select}
                label={`Canvas of ${flow.name}`}
              />
              {flow.steps.length === 0 && <EmptyHint narrow={narrow} readOnly={readOnly} />}
              <div className="pointer-events-none absolute inset-x-2 top-2 flex justify-between *:pointer-events-auto">
                {narrow || readOnly || panels.palette ? (
                  <span />
                ) : (
                  <IconButton
                    look="plain"
                    label="Show the palette"
                    icon={PanelLeftOpen}
                    onClick={() => setPanels({ ...panels, palette: true })}
                  />
                )}
                {!narrow && !panels.inspector && (
                  <IconButton
                    look="plain"
                    label="Show the inspector"
                    icon={PanelRightOpen}
                    onClick={() => setPanels({ ...panels, inspector: true })}
                  />
                )}
              </div>
              {narrow && <NarrowButtons step={chosen !== undefined} readOnly={readOnly} onOpen={setSheet} />}
            </div>
            {!narrow && panels.inspector && (
              <aside aria-label="Inspector" className="w-80 shrink-0 border-l border-line bg-surface">
                <Inspector onHide={() => setPanels({ ...panels, inspector: false })} />
              </aside>
            )}
          </div>
          <Drawer part={part} onPart={setPart} onJump={jump} run={run} runId={runId} />
        </div>
        {mappingStep?.kind === "map" && (
          <Mapper key={mapping?.field} step={mappingStep} field={mapping?.field} onDone={() => setMapping(null)} />
        )}
      </div>
      <Dialog open={narrow && sheet === "palette"} onClose={() => setSheet(null)} title="Add a step">
        <div className="-m-4 h-[60dvh]">
          <Palette onAdd={add} />
        </div>
      </Dialog>
      <Dialog open={narrow && sheet === "inspector"} onClose={() => setSheet(null)} title={chosen ? "Step" : "Flow"}>
        <div className="-m-4">
          <Inspector />
        </div>
      </Dialog>
      {linkingStep && <LinkDialog step={linkingStep} onClose={() => setLinking(null)} />}
      {publishing && (
        <PublishDialog
          onClose={() => setPublishing(false)}
          live={live?.version ?? null}
          changes={changes}
          flush={save.flush}
          revision={save.revisionNow}
          onPublished={(revision) => {
            save.rebase(revision);
            queries.invalidateQueries(trpc.flows.pathFilter());
          }}
          onJump={jump}
          onRun={starts.runNow}
        />
      )}
    </EditorProvider>
  );
}
