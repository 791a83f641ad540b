/** The files of the folder that the settings allow, and no others: no way out by "..", by a symlink or by another name. */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, join, resolve, sep } from "node:path";
import { IntegrationError, quote } from "../sdk/errors.ts";
import type { CsvSettings } from "./settings.ts";
import { tableFile } from "./settings.ts";

export type FolderFile = { name: string; path: string; size: number; modifiedMs: number };

const problem = (code: string, message: string, cause?: unknown) =>
  new IntegrationError(message, { kind: "settings", code, cause });

export class Folder {
  readonly #matches: (name: string) => boolean;
  readonly path: string;
  readonly connection: string;
  /** source of the regular expression that names of its files match in full */
  readonly names: string;

  constructor(connection: string, settings: CsvSettings, dataDir: string | undefined) {
    this.connection = connection;
    const { folder, pattern } = settings;
    if (!isAbsolute(folder) && dataDir === undefined)
      throw problem(
        "folder-relative",
        `${connection}: the folder ${quote(folder)} is relative, and there is no data folder to start from. Enter an absolute path.`,
      );
    this.path = resolve(dataDir ?? "/", folder);
    if (!isAbsolute(folder) && this.path !== resolve(dataDir!) && !this.path.startsWith(resolve(dataDir!) + sep))
      throw problem(
        "folder-outside",
        `${connection}: the folder ${quote(folder)} leads out of the data folder. Enter an absolute path if that is meant.`,
      );
    this.names = namesOf(pattern);
    const allowed = new RegExp(this.names);
    this.#matches = (name) => tableFile.test(name) && allowed.test(name);
  }

  /** Allowed files, by name. */
  async files(): Promise<FolderFile[]> {
    const names = await readdir(this.path).catch((error: NodeJS.ErrnoException) =>
      Promise.reject(this.#unreachable(error)),
    );
    const found = await Promise.all(names.filter(this.#matches).map((name) => this.#look(name).catch(() => undefined)));
    return found.filter((file) => file !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws IntegrationError (settings): "stream-unknown" when there is no such file, "file-outside" when it leads out of the folder */
  async file(name: string): Promise<FolderFile> {
    this.assertName(name);
    const file = await this.#look(name).catch(async (error: NodeJS.ErrnoException) => {
      if (error instanceof IntegrationError) throw error;
      const there = (await this.files()).map((one) => quote(one.name));
      throw problem(
        "stream-unknown",
        `${this.connection}: there is no file ${quote(name)} in ${quote(this.path)}; it holds ${there.slice(0, 10).join(", ") || "no matching files"}.`,
        error,
      );
    });
    if (file) return file;
    throw problem("not-a-file", `${this.connection}: ${quote(name)} in ${quote(this.path)} is not a file.`);
  }

  /** The path for a file that may not exist yet. */
  pathFor(name: string): string {
    this.assertName(name);
    return join(this.path, name);
  }

  assertName(name: string): void {
    if (name === basename(name) && !name.includes("\\") && this.#matches(name)) return;
    throw problem(
      "stream-unknown",
      `${this.connection}: ${quote(name)} is not a file of this connection. Its name must match the setting "Files", and lie in the folder itself.`,
    );
  }

  async #look(name: string): Promise<FolderFile | undefined> {
    const [root, path] = await Promise.all([realpath(this.path), realpath(join(this.path, name))]);
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep))
      throw problem(
        "file-outside",
        `${this.connection}: ${quote(name)} is a link that leads out of the folder, so it is not read or written.`,
      );
    const { size, mtimeMs, ...about } = await stat(path);
    return (about.mode & 0o170000) === 0o100000 ? { name, path, size, modifiedMs: Math.floor(mtimeMs) } : undefined;
  }

  #unreachable(error: NodeJS.ErrnoException): IntegrationError {
    const why =
      error.code === "ENOENT"
        ? "does not exist"
        : error.code === "EACCES"
          ? "may not be read by this process"
          : error.code === "ENOTDIR"
            ? "is not a folder"
            : `cannot be read (${error.code})`;
    return problem(
      "folder-unreachable",
      `${this.connection}: the folder ${quote(this.path)} ${why}. Correct the path, or the rights on it.`,
      error,
    );
  }
}

/** Globs, parted by commas, as one regular expression; a name with a wildcard in it is no name. */
function namesOf(pattern: string): string {
  const any = "[^/\\\\*?]";
  const one = (character: string) =>
    character === "*"
      ? `${any}*`
      : character === "?"
        ? any
        : /[a-z]/i.test(character)
          ? `[${character.toLowerCase()}${character.toUpperCase()}]`
          : character.replace(/[.+^${}()|[\]\\/]/, "\\$&");
  const globs = pattern.split(",").map((glob) => [...glob.trim()].map(one).join(""));
  return `^(?!\\.)(?:${globs.join("|")})$`;
}
