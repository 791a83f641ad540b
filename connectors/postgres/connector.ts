/** PostgreSQL: tables, views and their like as streams; tables as sinks. */
import type { Connector } from "../sdk/types.ts";
import { openSession } from "./session.ts";
import { type PostgresCredentials, type PostgresSettings, postgresCredentials, postgresSettings } from "./settings.ts";

export type { PostgresCredentials, PostgresSettings } from "./settings.ts";

export const postgres: Connector<PostgresSettings, PostgresCredentials> = {
  id: "postgres",
  title: "PostgreSQL",
  summary: "Reads and writes the tables of a PostgreSQL database; what was written can be undone.",
  mark: { letters: "Pg", tint: "blue" },
  settings: postgresSettings,
  credentials: postgresCredentials,
  open: async (options) => openSession(options),
};
