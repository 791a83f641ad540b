-- CREATE TABLE … PARTITION OF locks the whole ledger against everybody. Behind a transaction that reads it for long (a backup, a
-- report) that lock waits, and all writing waits behind the lock. A table that is made by itself and attached then lets
-- readers and writers pass.
CREATE OR REPLACE FUNCTION "plumbline_ensure_partitions"("days_ahead" integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  day date;
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(7264001);
  FOREACH parent IN ARRAY ARRAY['change', 'record_outcome'] LOOP
    FOR i IN -1..days_ahead LOOP
      day := (now() AT TIME ZONE 'UTC')::date + i;
      name := parent || '_' || to_char(day, 'YYYYMMDD');
      CONTINUE WHEN to_regclass(quote_ident(name)) IS NOT NULL;
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING IDENTITY)', name, parent);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name,
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    END LOOP;
  END LOOP;
END $$;
