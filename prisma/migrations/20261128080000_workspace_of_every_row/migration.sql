-- First of two steps: every row says itself which workspace it is of, also the small rows of runs and inboxes. Adding the columns takes
-- no time whatever the size of the tables, and processes of the version before go on working.

ALTER TABLE "run_step" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "run_stretch" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "checkpoint" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "sending_page" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "seen_key" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "collect_item" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "collect_waiting" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "inbox_queue" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "inbox_sending" ADD COLUMN "workspace_id" TEXT;
ALTER TABLE "inbox_answer" ADD COLUMN "workspace_id" TEXT;
