-- By the reason alone: as long as few runs wait, the index of states looks as good to the planner, and then holds thousands.
DROP INDEX "run_flow_busy";
CREATE INDEX "run_flow_busy" ON "run" ("flow_id", "id") WHERE "wait_reason" = 'flow-busy';
