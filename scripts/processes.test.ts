import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { tryLock } from "./locks.mjs";
import { endProcess, identityOf, isAlive, readJson, run, self, writeJson } from "./processes.mjs";

const folder = mkdtempSync(join(tmpdir(), "plumbline-processes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function sleeper(code = "setInterval(() => {}, 1000)") {
  const child = spawn(process.execPath, ["-e", code], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  return { pid: child.pid ?? 0, identity: identityOf(child.pid ?? 0) ?? "none", output: child.stdout };
}

describe("a process", () => {
  it("is known by its number and its start", () => {
    expect(isAlive(self())).toBe(true);
    expect(isAlive({ ...self(), identity: "another" })).toBe(false);
    expect(identityOf(0)).toBeNull();
    expect(identityOf(2 ** 30)).toBeNull();
  });

  it("is ended by SIGTERM", async () => {
    const child = sleeper();
    expect(isAlive(child)).toBe(true);
    expect(await endProcess(child)).toBe(true);
    expect(isAlive(child)).toBe(false);
  });

  it("is ended although it ignores SIGTERM", async () => {
    const child = sleeper("process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)");
    await new Promise((resolve) => child.output.once("data", resolve));
    expect(await endProcess(child, { graceMs: 200 })).toBe(true);
    expect(isAlive(child)).toBe(false);
  });

  it("that merely has the number of one we knew is left alone", async () => {
    const child = sleeper();
    expect(await endProcess({ pid: child.pid, identity: "an earlier process" })).toBe(true);
    expect(isAlive(child)).toBe(true);
    await endProcess(child);
  });
});

describe("a command", () => {
  it("gives its code and its lines, also a last one without an end", async () => {
    const lines: string[] = [];
    const command = [process.execPath, "-e", "console.log('one'); process.stdout.write('two'); process.exitCode = 3"];
    const { code } = await run("test", command, { onLine: (line: string) => lines.push(line) });
    expect({ code, lines }).toEqual({ code: 3, lines: ["one", "two"] });
  });

  it("that does not exist is said by name", async () => {
    await expect(run("the tool", ["/no/such/tool"])).rejects.toThrow(/the tool could not be started.*\/no\/such\/tool/);
  });
});

describe("a lock", () => {
  it("is refused while its holder lives and taken over when it is dead", async () => {
    const file = join(folder, "a.json");
    const child = sleeper();
    writeJson(file, { pid: child.pid, identity: child.identity });
    expect(await tryLock(file)).toMatchObject({ held: false, holder: { pid: child.pid } });
    await endProcess(child);
    const lock = await tryLock(file);
    expect(lock.held).toBe(true);
    expect(readJson(file)).toEqual(self());
    if (lock.held) lock.release();
    expect(existsSync(file)).toBe(false);
  });

  it("is given to one of many who find the same dead holder", async () => {
    const file = join(folder, "b.json");
    writeJson(file, { pid: 2 ** 30, identity: "gone" });
    const script = join(folder, "take.mjs");
    const locks = new URL("./locks.mjs", import.meta.url).href;
    writeFileSync(
      script,
      `const { tryLock } = await import(${JSON.stringify(locks)}); const lock = await tryLock(process.argv[2]); console.log(lock.held); setTimeout(() => {}, 1500);`,
    );
    const answers = await Promise.all(Array.from({ length: 6 }, () => run("taker", [process.execPath, script, file])));
    expect(answers.map(({ output }) => output.trim()).sort()).toEqual([
      "false",
      "false",
      "false",
      "false",
      "false",
      "true",
    ]);
  });

  it("whose file was cut short counts as free", async () => {
    const file = join(folder, "c.json");
    writeFileSync(file, '{ "pid": 1');
    expect((await tryLock(file)).held).toBe(true);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(self());
  });
});
