"use client";
import { CornerDownRight } from "lucide-react";
import type { Link, Step } from "../../engine/flow/schema.ts";
import { definitionOf } from "../../engine/steps/registry.ts";
import { titleOf } from "../canvas/to-react-flow.ts";
import { Dialog } from "../ui/dialog.tsx";
import { canLink } from "./commands.ts";
import { useEditor } from "./editor-context.tsx";

/** Links a step by keyboard: every port with the steps it may lead to. */
export function LinkDialog({ step, onClose }: { step: Step; onClose: () => void }) {
  const { flow, act } = useEditor();
  const ports = definitionOf(step).ports(step);
  const choices = ports.map((port) => ({
    port,
    targets: flow.steps.flatMap((target) => {
      const link: Link = { from: step.id, to: target.id, ...(port.name === "out" ? {} : { port: port.name }) };
      return canLink(flow, link) ? [{ link, title: titleOf(target) }] : [];
    }),
  }));
  const none = choices.every(({ targets }) => targets.length === 0);
  return (
    <Dialog open onClose={onClose} width="narrow" title={`Link “${titleOf(step)}” to`}>
      {none && (
        <p className="text-work text-muted">There is no step it could be linked to. Add one from the palette.</p>
      )}
      {choices.map(({ port, targets }) =>
        targets.length === 0 ? null : (
          <div key={port.name} className="mb-2">
            {ports.length > 1 && <h3 className="mb-1 text-caption font-medium text-muted">{port.title}</h3>}
            {targets.map(({ link, title }) => (
              <button
                key={link.to}
                type="button"
                onClick={() => {
                  act({ type: "linkSteps", link });
                  onClose();
                }}
                className="flex h-8 w-full items-center gap-2 rounded-control px-2 text-left text-work text-ink hover:bg-hover"
              >
                <CornerDownRight aria-hidden className="size-3.5 text-muted" />
                {title}
              </button>
            ))}
          </div>
        ),
      )}
    </Dialog>
  );
}
