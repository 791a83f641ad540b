-- The watermark a divided first load stores with its last stretch. It takes no time, and processes of the version before go on working.
ALTER TABLE "run" ADD COLUMN "mark" JSONB;
