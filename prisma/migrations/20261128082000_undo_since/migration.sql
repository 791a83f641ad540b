-- The ledger rows an undo over several runs puts back, chosen once when it begins. `place`: rows of one record share it, and
-- records are dealt with from the highest place to the lowest. Gone with the end of the undo.
CREATE TABLE "undo_row" (
    "undo_run_id" BIGINT NOT NULL,
    "place" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "run_id" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "workspace_id" TEXT NOT NULL,

    CONSTRAINT "undo_row_pkey" PRIMARY KEY ("undo_run_id","place","id")
);
