"use client";
import { Link2, PanelRightClose, Trash2, Unlink } from "lucide-react";
import { useEffect, useState } from "react";
import type { Step } from "../../../engine/flow/schema.ts";
import { definitionOf } from "../../../engine/steps/registry.ts";
import { stepLook } from "../../canvas/step-look.ts";
import { titleOf } from "../../canvas/to-react-flow.ts";
import { IconButton } from "../../ui/button.tsx";
import { Disclosure } from "../../ui/disclosure.tsx";
import { Tile } from "../../ui/tile.tsx";
import { useEditor, useProblems } from "../editor-context.tsx";
import { LinkDialog } from "../link-dialog.tsx";
import { ProblemList } from "../problem-list.tsx";
import { BranchForm } from "./branch-form.tsx";
import { CheckForm } from "./check-form.tsx";
import { CollectFields } from "./collect-fields.tsx";
import { DedupeForm } from "./dedupe-form.tsx";
import { FieldList } from "./field-list.tsx";
import { FilterForm } from "./filter-form.tsx";
import { FlowForm } from "./flow-form.tsx";
import { GenericForm } from "./generic-form.tsx";
import { MapForm } from "./map-form.tsx";
import { MatchFields } from "./match-fields.tsx";
import { PlaceFields } from "./place-fields.tsx";
import { ReadForm } from "./read-form.tsx";
import { TakeFields } from "./take-fields.tsx";
import { WebhookForm } from "./webhook-form.tsx";
import { WriteForm } from "./write-form.tsx";

/** Settings of the chosen step; of the flow when none is chosen. */
export function Inspector({ onHide }: { onHide?: () => void }) {
  const { flow, selected } = useEditor();
  const step = flow.steps.find(({ id }) => id === selected);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-2 border-b border-line px-3 py-2">
        {step ? (
          <StepHead key={step.id} step={step} />
        ) : (
          <h2 className="min-w-0 flex-1 text-work font-semibold text-ink">Flow</h2>
        )}
        {onHide && <IconButton label="Hide the inspector" icon={PanelRightClose} onClick={onHide} />}
      </div>
      <section
        aria-label={step ? `Settings of ${titleOf(step)}` : "Settings of the flow"}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="thin-scroll min-h-0 flex-1 overflow-y-auto -outline-offset-2"
      >
        <div className="min-w-0 space-y-4 p-3">{step ? <StepBody key={step.id} step={step} /> : <FlowForm />}</div>
      </section>
    </div>
  );
}

function StepHead({ step }: { step: Step }) {
  const { act, readOnly, select } = useEditor();
  const [linking, setLinking] = useState(false);
  const shown = titleOf(step);
  const [title, setTitle] = useState(shown);
  useEffect(() => setTitle(shown), [shown]);
  const { icon, tint } = stepLook(step.kind);
  return (
    <>
      <Tile icon={icon} tint={tint} />
      <input
        aria-label="Title of the step"
        value={title}
        readOnly={readOnly}
        maxLength={200}
        onChange={(event) => setTitle(event.target.value)}
        onBlur={() => title !== shown && act({ type: "renameStep", id: step.id, title })}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") setTitle(shown);
        }}
        className="control min-w-0 flex-1 rounded-control border border-transparent bg-transparent px-1 text-work font-semibold text-ink hover:not-read-only:border-edge focus:border-edge"
      />
      {!readOnly && (
        <>
          {definitionOf(step).role !== "end" && (
            <IconButton label="Link to another step" keys="L" icon={Link2} onClick={() => setLinking(true)} />
          )}
          <IconButton
            label="Remove the step"
            keys="Del"
            icon={Trash2}
            onClick={() => {
              act({ type: "removeSteps", ids: [step.id] });
              select(null);
            }}
          />
        </>
      )}
      {linking && <LinkDialog step={step} onClose={() => setLinking(false)} />}
    </>
  );
}

function StepBody({ step }: { step: Step }) {
  const { flow, act, shapes, readOnly } = useEditor();
  const { all } = useProblems(step.id);
  const output = Object.values(shapes[step.id]?.output ?? {})[0];
  const arriving = shapes[step.id]?.input;
  const fields = step.kind === "write" ? arriving : (output ?? arriving);
  const links = flow.links.filter(({ from }) => from === step.id);
  const titles = new Map(flow.steps.map((one) => [one.id, titleOf(one)]));
  return (
    <>
      <p className="text-caption text-muted">{definitionOf(step).summary}</p>
      {step.kind === "map" ? (
        <MapForm step={step} />
      ) : (
        <fieldset disabled={readOnly} className="min-w-0 space-y-4">
          <Form step={step} />
        </fieldset>
      )}
      {all.length > 0 && (
        <Disclosure title={`Problems ${all.length}`} initiallyOpen={all.length < 4}>
          <div className="-mx-3">
            <ProblemList problems={all} />
          </div>
        </Disclosure>
      )}
      {links.length > 0 && (
        <Disclosure title={`Links ${links.length}`}>
          <ul>
            {links.map((link) => (
              <li key={`${link.port} ${link.to}`} className="flex items-center gap-2 text-work">
                <span className="min-w-0 flex-1 truncate">
                  {link.port && <span className="text-muted">{link.port} </span>}→ {titles.get(link.to) ?? link.to}
                </span>
                {!readOnly && (
                  <IconButton
                    label={`Remove the link to ${titles.get(link.to) ?? link.to}`}
                    icon={Unlink}
                    onClick={() => act({ type: "unlink", link })}
                  />
                )}
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
      {fields && (
        <Disclosure
          title={`Fields ${step.kind === "write" ? "that arrive" : "after this step"} ${fields.fields.length}${fields.open ? " or more" : ""}`}
          initiallyOpen={definitionOf(step).role === "trigger"}
        >
          <FieldList stepId={step.id} shape={fields} side={step.kind === "write" ? "before" : "after"} />
        </Disclosure>
      )}
    </>
  );
}

const ownOfLookup = ["connection", "stream", "match", "take"];
const ownOfCollect = ["fields"];
const ofApproval = ["question", "within", "otherwise"];

function Form({ step }: { step: Step }) {
  switch (step.kind) {
    case "read":
      return <ReadForm step={step} />;
    case "check":
      return <CheckForm step={step} />;
    case "filter":
      return <FilterForm step={step} />;
    case "branch":
      return <BranchForm step={step} />;
    case "dedupe":
      return <DedupeForm step={step} />;
    case "approve":
      return <GenericForm step={step} often={ofApproval} />;
    case "webhook":
      return <WebhookForm step={step} />;
    case "write":
      return <WriteForm step={step} />;
    case "lookup":
      return (
        <>
          <PlaceFields step={step} />
          <MatchFields step={step} />
          <TakeFields step={step} />
          <GenericForm step={step} without={ownOfLookup} />
        </>
      );
    case "collect":
      return (
        <>
          <GenericForm step={step} without={ownOfCollect} />
          <CollectFields step={step} />
        </>
      );
    default:
      return <GenericForm step={step} />;
  }
}
