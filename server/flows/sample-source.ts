import { z } from "zod";
import { IntegrationError } from "../../connectors/sdk/errors.ts";
import type { JsonRecord, Unreadable } from "../../connectors/sdk/types.ts";
import { withSession } from "../connections/open-connection.ts";
import type { ServerContext } from "../context.ts";

export type Sample = { records: JsonRecord[]; unreadable: Unreadable[] };

const FRESH_MS = 60_000;
const LIMIT_MS = 10_000;
const MOST_KEPT = 200;

type Entry = { sample: Promise<Sample>; until: number };
// Next bundles its own copy of every module; one memory serves both
const shared = globalThis as typeof globalThis & { plumblineSamples?: Map<string, Entry> };

export const SampleLimit = z.number().int().min(1).max(100).default(20);

/**
 * The first records of a stream, as it has them now or had them less than a minute ago. Reads only.
 *
 * @throws NotFound no connection of that name
 * @throws IntegrationError the source does not answer within 10 s, refuses, or has no such stream
 */
export async function sampleSource(
  ctx: ServerContext,
  { connection, stream, limit }: { connection: string; stream: string; limit: number },
): Promise<Sample> {
  shared.plumblineSamples ??= new Map();
  const kept = shared.plumblineSamples;
  const now = Date.now();
  // a connection that was changed is another source
  const stamp = await ctx.db.connection.findFirst({
    where: { workspaceId: ctx.workspaceId, name: connection },
    select: { id: true, updatedAt: true },
  });
  const key = JSON.stringify([ctx.workspaceId, stamp?.id, stamp?.updatedAt, stream, limit]);
  const known = kept.get(key);
  if (known !== undefined && known.until > now) return known.sample;
  for (const [old, { until }] of kept) if (until <= now || kept.size >= MOST_KEPT) kept.delete(old);
  const sample = readFirst(ctx, { connection, stream, limit });
  kept.set(key, { sample, until: now + FRESH_MS });
  sample.catch(() => kept.delete(key));
  return sample;
}

async function readFirst(
  ctx: ServerContext,
  { connection, stream, limit }: { connection: string; stream: string; limit: number },
): Promise<Sample> {
  const timeout = AbortSignal.timeout(LIMIT_MS);
  const late = new Promise<never>((_, reject) => {
    timeout.addEventListener("abort", () =>
      reject(
        new IntegrationError(
          `“${connection}” did not give the first records of “${stream}” within ${LIMIT_MS / 1000} s. Check the connection, or try again.`,
          { kind: "transient", code: "timeout" },
        ),
      ),
    );
  });
  const reading = withSession(ctx, connection, async (session) => {
    const sample: Sample = { records: [], unreadable: [] };
    for await (const page of session.read({ stream, cursor: null, pageSize: limit, limit, signal: timeout })) {
      sample.records.push(...page.records);
      sample.unreadable.push(...(page.unreadable ?? []));
      if (sample.records.length >= limit) break;
    }
    return { records: sample.records.slice(0, limit), unreadable: sample.unreadable.slice(0, limit) };
  });
  return Promise.race([reading, late]);
}
