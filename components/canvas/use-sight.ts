import { useReactFlow } from "@xyflow/react";
import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { FlowEdge, StepNode } from "./to-react-flow.ts";

export const fitOptions = { maxZoom: 1, minZoom: 0.1, padding: 0.08 };
/** Below this a card cannot be read; a phone then shows where the flow begins, and the rest by moving along. */
const readable = { zoom: 0.6, from: 0.5, margin: 16, narrow: 640 };

/**
 * Keeps a flow in sight: what is put or arranged out of it, and when the room changes as long as the hand has not moved the view.
 * @param nodes as the flow says, not as the hand drags them
 * @returns to be told of every move of the view
 */
export function useSight({ box, nodes }: { box: RefObject<HTMLElement | null>; nodes: StepNode[] }) {
  const react = useReactFlow<StepNode, FlowEdge>();
  const showAll = useCallback(
    (duration?: number) => {
      const all = react.getNodes();
      const room = box.current?.getBoundingClientRect();
      // On an empty canvas the wish would be kept, and carried out on the first step that is dropped.
      if (!room || all.length === 0) return;
      const { x, y, width, height } = react.getNodesBounds(all);
      const { zoom, from, margin, narrow } = readable;
      if (room.width >= narrow || room.width / width > from) react.fitView({ ...fitOptions, duration });
      else {
        const top = height * zoom < room.height ? room.height / 2 - (y + height / 2) * zoom : margin - y * zoom;
        react.setViewport({ x: margin - x * zoom, y: top, zoom }, { duration });
      }
    },
    [react, box],
  );
  // What was put or arranged out of sight is brought into it; a step the hand moves stays where it is put.
  const before = useRef(nodes);
  useEffect(() => {
    const old = new Map(before.current.map(({ id, position }) => [id, position]));
    before.current = nodes;
    const grew = nodes.length > old.size;
    const moved = nodes.filter(({ id, position: { x, y } }) => {
      const was = old.get(id);
      return was !== undefined && (was.x !== x || was.y !== y);
    });
    if ((!grew && moved.length < 2) || !box.current) return;
    const frame = requestAnimationFrame(() => {
      const { width, height } = box.current!.getBoundingClientRect();
      const view = react.getViewport();
      const hidden = react.getNodes().some(({ position: { x, y } }) => {
        const [left, top] = [x * view.zoom + view.x, y * view.zoom + view.y];
        return left < 0 || top < 0 || left + 200 * view.zoom > width || top + 84 * view.zoom > height;
      });
      if (hidden) showAll(150);
    });
    return () => cancelAnimationFrame(frame);
  }, [nodes, box, react, showAll]);

  // Opening the drawer or a panel changes the room: as long as the hand has not moved the view, all stays in sight.
  const moved = useRef(false);
  const noteMove = useCallback((event: MouseEvent | TouchEvent | null) => {
    if (event) moved.current = true;
  }, []);
  useEffect(() => {
    const watcher = new ResizeObserver(() => {
      if (!moved.current) showAll();
    });
    if (box.current) watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [box, showAll]);
  return noteMove;
}
