-- Flows that stopped themselves say why; flows of events count towards their stop condition from here on.

-- AlterTable
ALTER TABLE "flow" ADD COLUMN "paused_reason" TEXT;

-- AlterTable
ALTER TABLE "inbox_drain" ADD COLUMN "counted_from" BIGINT;
