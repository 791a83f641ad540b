import type { Flow } from "../../engine/flow/schema.ts";

/** It runs when something arrives, never by hand. */
export const startsWithEvents = ({ steps }: Flow) => steps.some(({ kind }) => kind === "webhook" || kind === "event");
