import { z } from "zod";
import { AnyId, storableText } from "../db/storable.ts";

const name = storableText(1_000).trim().min(1, "give it a name").max(120);

export const ById = z.object({ id: AnyId.min(1) });
export const DiscoverOf = ById.extend({ refresh: z.boolean().optional() });
export const BrowseStream = ById.extend({
  stream: storableText(1_000).min(1),
  limit: z.number().int().min(1).max(500).optional(),
});
export const WatchedStream = ById.extend({ stream: storableText(1_000).min(1) });
export const CreateConnection = z.object({
  name: name.describe("Unique in the workspace; flows refer to the connection by it."),
  connector: z.string().min(1).describe("Id of the connector: postgres, csv, http."),
  settings: z.unknown().optional().describe("As the connector's settings schema says."),
  credentials: z.unknown().optional().describe("As the connector's credentials schema says. Write-only."),
});
export const ConnectionPatch = z.object({
  name: name.optional(),
  settings: z.unknown().optional().describe("Replaces all settings."),
  credentials: z.unknown().optional().describe("Laid over the stored ones: an absent field stays, null removes it."),
});
export const ChangeConnection = ConnectionPatch.extend({ id: AnyId.min(1) });
