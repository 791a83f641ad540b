/** Limits a person sets for a connection, whatever its connector: part of its settings, kept apart from the connector's own. */
import { z } from "zod";
import type { PaceLimits } from "../../../connectors/sdk/pacing.ts";

const most = (title: string, description?: string) =>
  z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .meta({ title, ...(description ? { description } : {}) });

export const limitsSchema = z
  .strictObject({
    perSecond: most("Requests per second"),
    perMinute: most("Requests per minute"),
    perDay: most("Requests per day"),
    concurrent: most("Requests at once", "Over all workers together"),
  })
  .optional()
  .meta({
    title: "Limits",
    description: "What this system allows, if you know it. Left empty, Plumbline learns it from the system's answers.",
  });

/** Settings as they were entered, in the connector's part and ours. */
export function splitLimits(settings: unknown): { own: unknown; limits: unknown } {
  if (typeof settings !== "object" || settings === null || !("limits" in settings))
    return { own: settings, limits: undefined };
  const { limits, ...own } = settings;
  return { own, limits: limits ?? undefined };
}

/** The limits in stored settings; none when there are none. */
export function limitsOf(settings: unknown): PaceLimits {
  const parsed = limitsSchema.safeParse(splitLimits(settings).limits);
  if (!parsed.success || parsed.data === undefined) return {};
  return Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
}
