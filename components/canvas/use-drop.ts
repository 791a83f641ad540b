import { useReactFlow } from "@xyflow/react";
import { type DragEvent, useMemo, useState } from "react";
import type { CanvasHandlers } from "./flow-canvas.tsx";
import { type FlowEdge, linkOf, type StepNode } from "./to-react-flow.ts";

/** What is dragged from the palette travels under this type; the second tells, while it is on its way, that it fits into a link. */
export const dragType = "application/x-plumbline-step";
export const dragMiddleType = "application/x-plumbline-middle";

/** What comes from the palette is dropped on the canvas, or on a link, which lights up while it is held over it. */
export function useDrop({ edges, handlers }: { edges: FlowEdge[]; handlers: CanvasHandlers | undefined }) {
  const react = useReactFlow<StepNode, FlowEdge>();
  const [aimed, setAimed] = useState<string | null>(null);
  const edgeAt = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(dragMiddleType)) return null;
    const hit = document.elementsFromPoint(event.clientX, event.clientY);
    const edge = hit.map((one) => one.closest<SVGElement>(".react-flow__edge")).find((one) => one !== null);
    return edge?.dataset.id ?? null;
  };
  const drop = (event: DragEvent) => {
    const item = event.dataTransfer.getData(dragType);
    if (item === "" || !handlers) return;
    event.preventDefault();
    const onto = edges.find(({ id }) => id === edgeAt(event));
    setAimed(null);
    const { x, y } = react.screenToFlowPosition({ x: event.clientX - 100, y: event.clientY - 30 });
    handlers.onDropItem(item, [Math.round(x), Math.round(y)], onto && linkOf(onto));
  };
  const shownEdges = useMemo(
    () =>
      aimed === null
        ? edges
        : edges.map((edge) =>
            edge.id === aimed && edge.data ? { ...edge, data: { ...edge.data, aimed: true } } : edge,
          ),
    [edges, aimed],
  );

  return {
    shownEdges,
    dropArea: {
      onDragOver: (event: DragEvent) => {
        if (!event.dataTransfer.types.includes(dragType)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        setAimed(edgeAt(event));
      },
      onDragLeave: () => setAimed(null),
      onDrop: drop,
    },
  };
}
