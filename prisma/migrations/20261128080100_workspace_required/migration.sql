-- BREAKING for processes of the version before, which do not write the column: stop them first, as docs/growing.md says.
-- Second of two steps: each row gets the workspace of its run or flow, then the column is required. Every row of these tables
-- is written once more, and they are locked meanwhile: 8 s per million rows, measured on two busy cores. Only
-- seen_key gets that large (one row per key a dedupe step remembers for good); it takes twice its space until autovacuum was there.
--
-- No foreign key and no index: rows are found by run or flow, whose own row says the same workspace and goes last, and a check
-- of each row against `workspace` would only cost the writes of every page.

LOCK TABLE "run_step", "run_stretch", "checkpoint", "sending_page", "seen_key", "collect_item", "collect_waiting", "inbox_queue",
  "inbox_sending", "inbox_answer" IN ACCESS EXCLUSIVE MODE;

UPDATE "run_step" t SET "workspace_id" = r."workspace_id" FROM "run" r WHERE r."id" = t."run_id";
UPDATE "run_stretch" t SET "workspace_id" = r."workspace_id" FROM "run" r WHERE r."id" = t."run_id";
UPDATE "checkpoint" t SET "workspace_id" = r."workspace_id" FROM "run" r WHERE r."id" = t."run_id";
UPDATE "sending_page" t SET "workspace_id" = r."workspace_id" FROM "run" r WHERE r."id" = t."run_id";
UPDATE "collect_item" t SET "workspace_id" = r."workspace_id" FROM "run" r WHERE r."id" = t."run_id";
UPDATE "collect_waiting" t SET "workspace_id" = r."workspace_id" FROM "run" r WHERE r."id" = t."run_id";
UPDATE "inbox_queue" t SET "workspace_id" = f."workspace_id" FROM "flow" f WHERE f."id" = t."flow_id";
UPDATE "inbox_sending" t SET "workspace_id" = f."workspace_id" FROM "flow" f WHERE f."id" = t."flow_id";
UPDATE "inbox_answer" t SET "workspace_id" = f."workspace_id" FROM "flow" f WHERE f."id" = t."flow_id";
-- keys remembered for good have the flow's id as scope and outlive their run; others go with it
UPDATE "seen_key" t SET "workspace_id" = coalesce(
  (SELECT f."workspace_id" FROM "flow" f WHERE f."id" = t."scope"),
  (SELECT r."workspace_id" FROM "run" r WHERE r."id" = t."run_id"));

-- what belongs to no run and no flow is read by nobody
DELETE FROM "run_step" WHERE "workspace_id" IS NULL;
DELETE FROM "run_stretch" WHERE "workspace_id" IS NULL;
DELETE FROM "checkpoint" WHERE "workspace_id" IS NULL;
DELETE FROM "sending_page" WHERE "workspace_id" IS NULL;
DELETE FROM "collect_item" WHERE "workspace_id" IS NULL;
DELETE FROM "collect_waiting" WHERE "workspace_id" IS NULL;
DELETE FROM "inbox_queue" WHERE "workspace_id" IS NULL;
DELETE FROM "inbox_sending" WHERE "workspace_id" IS NULL;
DELETE FROM "inbox_answer" WHERE "workspace_id" IS NULL;
DELETE FROM "seen_key" WHERE "workspace_id" IS NULL;

ALTER TABLE "run_step" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "run_stretch" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "checkpoint" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "sending_page" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "collect_item" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "collect_waiting" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "inbox_queue" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "inbox_sending" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "inbox_answer" ALTER COLUMN "workspace_id" SET NOT NULL;
ALTER TABLE "seen_key" ALTER COLUMN "workspace_id" SET NOT NULL;
