/** What a user enters for a connection; the form is drawn from it. */
import { z } from "zod";

const ssl = z.enum(["disable", "require", "verify-full"]);

export const postgresSettings = z.object({
  host: z
    .string()
    .trim()
    .min(1)
    .default("localhost")
    .meta({ title: "Host", description: "Name or address of the server." }),
  port: z.coerce.number().int().min(1).max(65535).default(5432).meta({ title: "Port", description: "Usually 5432." }),
  database: z.string().min(1).meta({ title: "Database", description: "Name of the database on that server." }),
  schema: z
    .string()
    .min(1)
    .default("public")
    .meta({ title: "Schema", description: "Its tables are named plainly; those of others as schema.table." }),
  ssl: z
    .preprocess(
      (value) =>
        value === true || value === "true" ? "require" : value === false || value === "false" ? "disable" : value,
      ssl,
    )
    .default("disable")
    .meta({
      title: "SSL",
      description:
        "disable: not encrypted · require: encrypted · verify-full: encrypted, and the server proves its name.",
    }),
});

export const postgresCredentials = z.strictObject({
  user: z.string().min(1).meta({ title: "User", description: "The database user flows read and write as." }),
  password: z
    .string()
    .default("")
    .meta({ title: "Password", description: "May be empty when the server asks for none.", secret: true }),
});

export type PostgresSettings = z.infer<typeof postgresSettings>;
export type PostgresCredentials = z.infer<typeof postgresCredentials>;
