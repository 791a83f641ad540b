-- The audit log kept the settings of connections whole: values of headers and query parameters, among which people put keys,
-- are struck out of what it has. Only entries about connections are touched, which are few.

CREATE FUNCTION pg_temp."without_values"(v jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(v) = 'array' THEN
    RETURN (SELECT coalesce(jsonb_agg(pg_temp."without_values"(e.value) ORDER BY e.n), '[]')
      FROM jsonb_array_elements(v) WITH ORDINALITY AS e(value, n));
  ELSIF jsonb_typeof(v) = 'object' THEN
    RETURN (SELECT coalesce(jsonb_object_agg(e.key, CASE
        WHEN e.key IN ('headers', 'query') AND jsonb_typeof(e.value) = 'object'
          THEN (SELECT coalesce(jsonb_object_agg(name, '•••'), '{}') FROM jsonb_object_keys(e.value) AS name)
        WHEN e.key = 'sample' THEN '"•••"'::jsonb
        ELSE pg_temp."without_values"(e.value) END), '{}')
      FROM jsonb_each(v) AS e);
  ELSIF jsonb_typeof(v) = 'string' THEN
    RETURN to_jsonb(regexp_replace(v #>> '{}', '([?&][^=&#\s]+=)(?!\{[^{}]*\}([&#]|$))[^&#\s]+', '\1•••', 'g'));
  END IF;
  RETURN v;
END $$;

UPDATE "audit" SET "detail" = pg_temp."without_values"("detail") WHERE "action" IN ('connection.create', 'connection.update');
DROP FUNCTION pg_temp."without_values"(jsonb);
