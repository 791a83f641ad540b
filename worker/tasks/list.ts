import type { TaskDefinition } from "../define-task.ts";
import { createSampleCompanyTask } from "./create-sample-company.ts";
import { runTask } from "./run.ts";

export const tasks: TaskDefinition[] = [runTask, createSampleCompanyTask];
