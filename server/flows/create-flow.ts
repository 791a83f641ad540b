import { randomBytes } from "node:crypto";
import { audit } from "../audit/audit.ts";
import type { ServerContext } from "../context.ts";
import { newId } from "../ids.ts";
import { notify } from "../live/notify.ts";
import type { Validation } from "../trpc/contract/flows.ts";
import { nameOf, readDocument } from "./read-document.ts";
import { validateDocument } from "./validate-document.ts";

/**
 * Stores a new flow whose draft is this document, as it came, and says what must be mended before it is published.
 *
 * @throws Invalid the document is not an object
 */
export async function createFlow(
  ctx: ServerContext,
  input: unknown,
): Promise<{ id: string; revision: number } & Validation> {
  const document = readDocument(input);
  const id = newId("flow");
  const name = nameOf(document);
  const createdBy = ctx.actor.name;
  await ctx.db.$transaction(async (tx) => {
    await tx.flow.create({
      data: {
        id,
        workspaceId: ctx.workspaceId,
        name,
        hookKey: randomBytes(24).toString("base64url"),
        createdBy,
        draft: { create: { workspaceId: ctx.workspaceId, document, updatedBy: createdBy } },
      },
    });
    await audit(tx, ctx, "flow.create", id, { name });
    await notify(tx, ctx.workspaceId, { type: "flow", flowId: id });
  });
  const { validation } = await validateDocument(ctx, document);
  return { id, revision: 1, ...validation };
}
