"use client";
import { useMemo } from "react";
import type { BrokenStep } from "../../engine/flow/read-draft.ts";
import type { Flow } from "../../engine/flow/schema.ts";
import { validateToPublish } from "../../engine/flow/validate.ts";
import type { Problem } from "../../engine/steps/define-step.ts";
import type { Outputs } from "../server/trpc.ts";
import type { Places } from "./use-places.ts";

/**
 * What prevents publishing and the fields at every point, found here with the engine's own code as it is typed. Until the
 * connections have answered, what the server last said holds.
 */
export function useValidation({
  flow,
  places,
  broken,
  unread,
  known,
}: {
  flow: Flow;
  places: Places;
  broken: readonly BrokenStep[];
  /** problems of the steps that could not be read */
  unread: Problem[];
  known: Outputs["flows"]["get"]["validation"];
}) {
  return useMemo(() => {
    if (!places.ready) return known;
    const options = { broken: broken.map(({ id }) => id) };
    const { problems, notes, shapes } = validateToPublish(flow, places.world, options);
    return { problems: broken.length === 0 ? problems : [...unread, ...problems], notes, shapes };
  }, [flow, places.ready, places.world, known, broken, unread]);
}
