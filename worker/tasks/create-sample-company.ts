import { z } from "zod";
import { createSampleCompany } from "../../server/sample/create-sample-company.ts";
import { defineTask } from "../define-task.ts";

/** Fills a new workspace with the sample company. */
export const createSampleCompanyTask = defineTask(
  "create-sample-company",
  z.object({ workspaceId: z.string() }),
  async ({ workspaceId }, { services, log }) => {
    await createSampleCompany(services, workspaceId);
    log.info(`Sample company of workspace ${workspaceId} is ready`);
  },
);
