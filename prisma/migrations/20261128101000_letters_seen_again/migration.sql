-- A flow that reads a bad record again keeps one letter for it (docs/decisions/0012). `first_at`: when it failed first, NULL
-- when that is `at`. `closed_run_id`: the run that read the record again and had another outcome for it.
ALTER TABLE "dead_letter" ADD COLUMN "first_at" TIMESTAMPTZ(3), ADD COLUMN "closed_run_id" BIGINT;

-- The runs in which a letter failed before the one it names now.
CREATE TABLE "dead_letter_run" (
    "letter_id" TEXT NOT NULL,
    "run_id" BIGINT NOT NULL,
    "workspace_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,

    CONSTRAINT "dead_letter_run_pkey" PRIMARY KEY ("letter_id","run_id")
);
CREATE INDEX "dead_letter_run_run_id_idx" ON "dead_letter_run"("run_id");
