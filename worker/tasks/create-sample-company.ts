import { z } from "zod";
import { createSampleCompany } from "../../server/sample/create-sample-company.ts";
import { defineTask } from "../define-task.ts";

/** Fills a new workspace with the sample company. */
export const createSampleCompanyTask = defineTask(
  "create-sample-company",
  z.object({ workspaceId: z.string() }),
  ({ workspaceId }, { services }) => createSampleCompany(services, workspaceId),
);
