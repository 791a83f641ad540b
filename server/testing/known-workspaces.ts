import type pg from "pg";

/**
 * From now on this test database refuses rows whose workspace does not exist, in every table that has one. The product's
 * schema has no such foreign keys (the migration that added the columns says why); most of these rows live for milliseconds only, so they
 * are looked at when they are written.
 */
export async function requireKnownWorkspaces(pool: pg.Pool): Promise<void> {
  await pool.query(`
    CREATE FUNCTION known_workspace() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NOT EXISTS (SELECT FROM public.workspace WHERE id = NEW.workspace_id) THEN
        RAISE 'A row of % is of workspace “%”, which does not exist.', TG_TABLE_NAME, NEW.workspace_id;
      END IF;
      RETURN NULL;
    END $$;
    DO $$ DECLARE name regclass; BEGIN
      FOR name IN SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND a.attname = 'workspace_id' AND NOT a.attisdropped
      LOOP EXECUTE format('CREATE TRIGGER known_workspace AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION known_workspace()', name);
      END LOOP;
    END $$;`);
}
