-- A run of one record is entered in every index of its table when it is made, when it is taken and when it ends. Most runs hold no
-- flow and have no parent: indexes without them are smaller, and are left alone by two of the three.
DROP INDEX "run_slot_key";
CREATE UNIQUE INDEX "run_slot_key" ON "run" ("slot") WHERE "slot" IS NOT NULL;
DROP INDEX "run_parent_id_idx";
CREATE INDEX "run_parent_id_idx" ON "run" ("parent_id") WHERE "parent_id" IS NOT NULL;

-- The run of a flow that goes on when another ends is asked for at every end.
CREATE INDEX "run_flow_busy" ON "run" ("flow_id", "id") WHERE "state" = 'waiting' AND "wait_reason" = 'flow-busy';
