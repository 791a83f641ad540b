/** Settings of a folder of CSV files. It has no credentials: who may read the folder is the operating system's matter. */
import { z } from "zod";

/** Only table files: a folder setting must not become a way to read keys and configuration of this machine. */
export const tableFile = /\.(csv|tsv|tab|txt)$/i;

export const csvSettings = z.strictObject({
  folder: z
    .string()
    .trim()
    .min(1)
    .meta({ title: "Folder", description: "An absolute path, or one below the product's data folder" }),
  pattern: z
    .string()
    .trim()
    .default("*.csv")
    .refine((pattern) => !/[/\\]/.test(pattern), 'A pattern names files of the folder itself, without "/".')
    .refine(
      (pattern) => pattern.split(",").every((one) => tableFile.test(one.trim())),
      "Each pattern must end in .csv, .tsv, .tab or .txt.",
    )
    .meta({ title: "Files", description: 'Such as *.csv, or several: "prices-*.csv, *.tsv"' }),
  encoding: z
    .string()
    .trim()
    .default("auto")
    .meta({
      title: "Encoding",
      description:
        "auto, utf-8, utf-16le, windows-1252, iso-8859-1, … ; auto finds out from the byte order mark and the beginning",
      examples: ["auto", "utf-8", "utf-16le", "windows-1252", "iso-8859-1"],
    }),
  delimiter: z.enum(["auto", ",", ";", "tab", "|"]).default("auto").meta({ title: "Between columns" }),
  quote: z.enum(['"', "'", "none"]).default('"').meta({ title: "Quotes" }),
  header: z
    .boolean()
    .default(true)
    .meta({ title: "First line holds the names", description: "Otherwise columns are named column_1, column_2, …" }),
  skipLines: z.int().min(0).max(1_000).default(0).meta({ title: "Lines before the table" }),
});

export const csvCredentials = z.object({});

export type CsvSettings = z.infer<typeof csvSettings>;
