import { z } from "zod";

import { AnyId } from "../db/storable.ts";
import { adminProcedure, builderProcedure, operatorProcedure, router, viewerProcedure } from "../trpc/init.ts";
import { createFlow } from "./create-flow.ts";
import { eventWorld } from "./event-world.ts";
import { getFlow } from "./get-flow.ts";
import { getVersion } from "./get-version.ts";
import { listFlows } from "./list-flows.ts";
import { listVersions } from "./list-versions.ts";
import { pauseFlow } from "./pause-flow.ts";
import { PreviewFlow, previewFlow } from "./preview-flow.ts";
import { PublishFlow, publishFlow } from "./publish-flow.ts";
import { FlowDocument, readDocument } from "./read-document.ts";
import { removeFlow } from "./remove-flow.ts";
import { restoreVersion } from "./restore-version.ts";
import { resumeFlow } from "./resume-flow.ts";
import { saveDraft } from "./save-draft.ts";
import { stepKinds } from "./step-kinds.ts";
import { validateDocument } from "./validate-document.ts";

const Nothing = z.object({}).optional();
const ByFlow = z.object({ flowId: AnyId });
const OfDocument = z.object({ document: FlowDocument });
/** `flowId`: the flow it is a draft of, whose events tell what fields arrive */
const Judged = OfDocument.extend({ flowId: AnyId.optional() });
const ByVersion = ByFlow.extend({ version: z.number().int().min(1).max(1_000_000_000) });
const SaveDraft = ByFlow.extend({ document: FlowDocument, revision: z.number().int() });

export const flowsRouter = router({
  list: viewerProcedure.input(Nothing).query(({ ctx }) => listFlows(ctx)),
  events: viewerProcedure.input(ByFlow).query(({ ctx, input }) => eventWorld(ctx, input.flowId)),
  get: viewerProcedure.input(ByFlow).query(({ ctx, input }) => getFlow(ctx, input.flowId)),
  create: builderProcedure.input(OfDocument).mutation(({ ctx, input }) => createFlow(ctx, input.document)),
  saveDraft: builderProcedure.input(SaveDraft).mutation(({ ctx, input }) => saveDraft(ctx, input)),
  validate: viewerProcedure
    .input(Judged)
    .query(
      async ({ ctx, input }) => (await validateDocument(ctx, readDocument(input.document), input.flowId)).validation,
    ),
  publish: builderProcedure.input(PublishFlow).mutation(({ ctx, input }) => publishFlow(ctx, input)),
  pause: operatorProcedure.input(ByFlow).mutation(({ ctx, input }) => pauseFlow(ctx, input.flowId)),
  resume: operatorProcedure.input(ByFlow).mutation(({ ctx, input }) => resumeFlow(ctx, input.flowId)),
  remove: adminProcedure.input(ByFlow).mutation(({ ctx, input }) => removeFlow(ctx, input.flowId)),
  versions: viewerProcedure.input(ByFlow).query(({ ctx, input }) => listVersions(ctx, input.flowId)),
  version: viewerProcedure.input(ByVersion).query(({ ctx, input }) => getVersion(ctx, input)),
  restoreVersion: builderProcedure.input(ByVersion).mutation(({ ctx, input }) => restoreVersion(ctx, input)),
  preview: viewerProcedure.input(PreviewFlow).query(({ ctx, input }) => previewFlow(ctx, input)),
  stepKinds: viewerProcedure.input(Nothing).query(() => stepKinds()),
});
