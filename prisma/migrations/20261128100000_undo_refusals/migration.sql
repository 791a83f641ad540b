-- Why an undo left a record as it is: { message, fields?: names that somebody changed, wrote: what the run had written }.
ALTER TABLE "change" ADD COLUMN "refusal" JSON;
