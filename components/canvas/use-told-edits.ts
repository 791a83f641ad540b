"use client";
import type { Connection, OnConnectEnd } from "@xyflow/react";
import { useCallback } from "react";
import type { CanvasHandlers } from "./flow-canvas.tsx";
import { type FlowEdge, linkOf, type StepNode } from "./to-react-flow.ts";

/**
 * What the hand links and removes, told to the handlers instead of done to the picture. The functions stay the same from
 * render to render: React Flow tells all steps and links of a new one, at each frame of a drag.
 */
export function useToldEdits(handlers: CanvasHandlers | undefined) {
  const connect = useCallback((connection: Connection) => handlers?.onLink(linkOf(connection)), [handlers]);

  /** A link let go over the card of a step means its port. */
  const endOnCard: OnConnectEnd = useCallback(
    (event, { fromNode, fromHandle, toHandle }) => {
      if (!handlers || toHandle || !fromNode || fromHandle?.type !== "source") return;
      const { clientX, clientY } =
        "changedTouches" in event ? (event.changedTouches[0] ?? { clientX: -1, clientY: -1 }) : event;
      const card = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>(".react-flow__node");
      const target = card?.dataset.id;
      if (target && target !== fromNode.id)
        handlers.onLink(linkOf({ source: fromNode.id, sourceHandle: fromHandle.id, target }));
    },
    [handlers],
  );

  const remove = useCallback(
    async ({ nodes: gone, edges: cut }: { nodes: StepNode[]; edges: FlowEdge[] }) => {
      const steps = gone.map(({ id }) => id);
      // Links of a removed step go with it; those chosen by themselves are named.
      const links = cut.filter(({ source, target }) => !steps.includes(source) && !steps.includes(target)).map(linkOf);
      if (steps.length + links.length > 0) handlers?.onRemove({ steps, links });
      return false;
    },
    [handlers],
  );
  return { connect, endOnCard, remove };
}
