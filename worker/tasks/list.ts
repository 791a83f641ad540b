import type { TaskDefinition } from "../define-task.ts";
import { runTask } from "./run.ts";

export const tasks: TaskDefinition[] = [runTask];
