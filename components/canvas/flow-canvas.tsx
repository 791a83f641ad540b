"use client";
import {
  applyEdgeChanges,
  applyNodeChanges,
  Background,
  BackgroundVariant,
  Controls,
  type EdgeChange,
  type EdgeTypes,
  MarkerType,
  MiniMap,
  type NodeChange,
  type NodeTypes,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Flow, Link } from "../../engine/flow/schema.ts";
import "./canvas.css";
import { arrange } from "./arrange.ts";
import { FlowLink } from "./flow-link.tsx";
import { StepCard } from "./step-node.tsx";
import {
  type FlowEdge,
  fromReactFlow,
  keepUnchanged,
  type Marks,
  type RunLook,
  type StepNode,
  toReactFlow,
} from "./to-react-flow.ts";
import { useDrop } from "./use-drop.ts";
import { fitOptions, useSight } from "./use-sight.ts";
import { useToldEdits } from "./use-told-edits.ts";

const nodeTypes: NodeTypes = { step: StepCard };
const edgeTypes: EdgeTypes = { link: FlowLink };
const edgeDefaults = {
  markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: "var(--color-faint)" },
};
// A value that is new at each render is told to all steps and links, at each frame of a drag: these stay the same.
const snapGrid: [number, number] = [4, 4];
const deleteKeys = ["Delete", "Backspace"];
const isOtherStep = ({ source, target }: { source: string; target: string }) => source !== target;
/** With so many steps, seen from so far, what is written on the cards cannot be read and is not drawn. */
const farFrom = { steps: 100, zoom: 0.3 };
const words = {
  "node.a11yDescription.default": "Press Enter to choose the step, Delete to remove it, L to link it to another.",
  "node.a11yDescription.keyboardDisabled":
    "Press Enter to choose the step, arrow keys to move it, L to link it, Delete to remove it.",
  "edge.a11yDescription.default": "Press Enter to choose the link, Delete to remove it.",
};

export type CanvasHandlers = {
  onSelect: (stepId: string | null) => void;
  onMove: (layout: NonNullable<Flow["layout"]>) => void;
  onLink: (link: Link) => void;
  onRemove: (removed: { steps: string[]; links: Link[] }) => void;
  /** @param onto the link it was dropped on */
  onDropItem: (item: string, at: [number, number], onto?: Link) => void;
  /** the key L on a step */
  onLinkByKey: (stepId: string) => void;
  onOpen: (stepId: string) => void;
};

type Props = {
  flow: Pick<Flow, "steps" | "links" | "layout">;
  marks?: Marks;
  run?: RunLook | null;
  selected?: string | null;
  /** absent: nothing can be changed, steps can still be looked at */
  handlers?: CanvasHandlers;
  onSelect?: (stepId: string | null) => void;
  label: string;
  /** small pictures of a flow go without map and controls */
  plain?: boolean;
  children?: ReactNode;
};

/** A flow as steps and links. It keeps only what the hand does at the moment; every change is told to `handlers`. */
export function FlowCanvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

const noMarks: Marks = {};

function Canvas({ flow, marks = noMarks, run = null, selected, handlers, onSelect, label, plain, children }: Props) {
  const places = useMemo(() => arrange(flow, "missing"), [flow]);
  const picture = useMemo(() => toReactFlow(flow, marks, run, places), [flow, marks, run, places]);
  const [nodes, setNodes] = useState<StepNode[]>(() => named(picture.nodes, selected));
  const [edges, setEdges] = useState<FlowEdge[]>(picture.edges);
  const react = useReactFlow<StepNode, FlowEdge>();
  // On an empty canvas the first step stays where it is dropped.
  const [begun] = useState(flow.steps.length > 0);
  const choose = handlers?.onSelect ?? onSelect;

  useEffect(() => {
    setNodes((before) => keepUnchanged(before, named(picture.nodes, selected)));
    setEdges((before) => {
      const chosen = new Set(before.filter((edge) => edge.selected).map(({ id }) => id));
      return picture.edges.map((edge) => (chosen.has(edge.id) ? { ...edge, selected: true } : edge));
    });
  }, [picture, selected]);

  useEffect(() => {
    if (selected === undefined) return;
    setNodes((before) =>
      before.some((node) => Boolean(node.selected) !== (node.id === selected))
        ? before.map((node) =>
            Boolean(node.selected) === (node.id === selected) ? node : { ...node, selected: node.id === selected },
          )
        : before,
    );
  }, [selected]);

  const box = useRef<HTMLDivElement>(null);
  const many = nodes.length;
  const changeNodes = useCallback(
    (changes: NodeChange<StepNode>[]) => {
      setNodes((now) =>
        applyNodeChanges(
          changes.filter(({ type }) => type !== "remove"),
          now,
        ),
      );
      const put = changes.flatMap((change) =>
        change.type === "position" && change.dragging === false && change.position
          ? [{ id: change.id, position: change.position }]
          : [],
      );
      if (put.length > 0) handlers?.onMove(fromReactFlow({ nodes: put, edges: [] }).layout);
      const picked = changes.filter((change) => change.type === "select");
      const on = picked.findLast((change) => change.selected);
      if (on) choose?.(on.id);
      else if (picked.length > 0) {
        const off = new Set(picked.map(({ id }) => id));
        choose?.(react.getNodes().find((node) => node.selected && !off.has(node.id))?.id ?? null);
      }
    },
    [handlers, choose, react],
  );

  const changeEdges = useCallback((changes: EdgeChange<FlowEdge>[]) => {
    setEdges((now) =>
      applyEdgeChanges(
        changes.filter(({ type }) => type !== "remove"),
        now,
      ),
    );
  }, []);
  const edits = useToldEdits(handlers);
  const far = useStore(({ transform }) => transform[2] < farFrom.zoom) && many > farFrom.steps;

  const noteMove = useSight({ box, nodes: picture.nodes });
  const { shownEdges, dropArea } = useDrop({ edges, handlers });

  return (
    // biome-ignore lint/a11y/useSemanticElements: the steps in it are what is focused; the box only hears their keys
    <div
      ref={box}
      role="group"
      aria-label={label}
      className="relative h-full w-full"
      {...dropArea}
      onKeyDown={(event) => {
        const id = (event.target as HTMLElement).closest<HTMLElement>(".react-flow__node")?.dataset.id;
        if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key.toLowerCase() === "l" && handlers) {
          event.preventDefault();
          handlers.onSelect(id);
          handlers.onLinkByKey(id);
        } else if (event.key === "Enter" && id === selected) handlers?.onOpen(id); // the first Enter chooses it
      }}
    >
      <ReactFlow<StepNode, FlowEdge>
        className={far ? "is-far" : undefined}
        nodes={nodes}
        edges={shownEdges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        defaultEdgeOptions={edgeDefaults}
        onNodesChange={changeNodes}
        onEdgesChange={changeEdges}
        onConnect={edits.connect}
        onConnectEnd={edits.endOnCard}
        isValidConnection={isOtherStep}
        onBeforeDelete={edits.remove}
        onNodeDoubleClick={(_, node) => handlers?.onOpen(node.id)}
        deleteKeyCode={handlers ? deleteKeys : null}
        nodesDraggable={Boolean(handlers)}
        nodesConnectable={Boolean(handlers)}
        edgesFocusable={Boolean(handlers)}
        elementsSelectable={Boolean(handlers || onSelect)}
        onMove={noteMove}
        fitView={begun}
        fitViewOptions={fitOptions}
        minZoom={0.1}
        maxZoom={2}
        connectionRadius={36}
        snapToGrid
        snapGrid={snapGrid}
        selectNodesOnDrag
        zoomOnDoubleClick={false}
        preventScrolling={!plain}
        onlyRenderVisibleElements={many > 600}
        ariaLabelConfig={words}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.5} />
        {!plain && <Controls showInteractive={false} position="bottom-left" fitViewOptions={fitOptions} />}
        {!plain && many > 6 && (
          <MiniMap pannable zoomable position="bottom-right" className="max-md:hidden" ariaLabel="The whole flow" />
        )}
        {children && <Panel position="top-center">{children}</Panel>}
      </ReactFlow>
    </div>
  );
}

function named(nodes: StepNode[], selected: string | null | undefined): StepNode[] {
  return nodes.map((node) => ({ ...node, ariaLabel: node.data.title, selected: node.id === selected }));
}
