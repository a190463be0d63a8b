import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { buildConsoleIfStale } from "#config/deploy/console-build.ts";
import { lockDataFolder } from "#config/deploy/data-lock.ts";
import { EXIT_CONFIG, Part } from "#config/deploy/part.ts";
import { FIRST_LOGIN_FILE, signInLine } from "#config/deploy/sign-in.ts";

const repository = path.resolve(import.meta.dirname, "../../..");
let data: string;

beforeEach(() => {
  data = mkdtempSync(path.join(os.tmpdir(), "parkhub-deploy-"));
  mkdirSync(path.join(data, "run"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a part of the park", () => {
  const parts: Part[] = [];
  const said: string[] = [];
  const failures: number[] = [];
  const pidFile = (): string => path.join(data, "run", "demo.pid");
  const log = (): string => readFileSync(path.join(data, "logs", "demo.log"), "utf8");
  /** Process id that stands in the pid file, undefined while there is none. */
  const pid = (): number | undefined => (existsSync(pidFile()) ? Number(readFileSync(pidFile(), "utf8")) : undefined);

  function started(script: string): Part {
    writeFileSync(path.join(data, "part.mjs"), script);
    const part = new Part({
      name: "demo",
      args: ["part.mjs"],
      root: data,
      data,
      env: { ...process.env, DEMO: "of the park" },
      say: (text) => said.push(text),
      fail: (code) => failures.push(code),
    });
    parts.push(part);
    part.start();
    return part;
  }
  const STAYS = "process.stdout.write(`up ${process.env.DEMO} ${process.pid}\\n`); setInterval(() => {}, 1000);";
  const isUp = () =>
    expect.poll(() => pid() !== undefined && log().endsWith(`up of the park ${pid()}\n`), { message: "up" }).toBe(true);

  beforeEach(() => {
    said.length = 0;
    failures.length = 0;
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(parts.splice(0).map((part) => part.stop()));
  });

  it("runs with its environment, its log and its pid file, and all but the log is gone when it was stopped", async () => {
    const part = started(STAYS);
    await isUp();
    const first = pid() ?? 0;
    expect([isAlive(first), part.running]).toEqual([true, true]);
    await part.stop();
    expect([isAlive(first), part.running, existsSync(pidFile()), said]).toEqual([false, false, false, []]);
  });

  it("is started again within a second when it was killed, and its pid file follows", async () => {
    const part = started(STAYS);
    await isUp();
    const first = pid() ?? 0;
    process.kill(first, "SIGKILL");
    await expect.poll(() => said).toEqual([expect.stringMatching(/^demo ended \(SIGKILL\); starting it again/)]);
    expect(part.running).toBe(true);
    await expect.poll(() => pid() !== undefined && pid() !== first, { timeout: 1000 }).toBe(true);
    await isUp();
    expect([isAlive(first), isAlive(pid() ?? 0), failures]).toEqual([false, true, []]);
  });

  it("is started again each time it ends with an error", async () => {
    started('process.stdout.write("life\\n"); process.exit(1);');
    await expect.poll(() => log().split("life\n").length - 1).toBeGreaterThanOrEqual(3);
    expect(said[0]).toMatch(/^demo ended \(code 1\)/);
    expect(failures).toEqual([]);
  });

  it("ends the park when its configuration is wrong: told with its last lines, never started again", async () => {
    const part = started(`process.stderr.write("site.yaml:3:1 expected more\\n"); process.exit(${EXIT_CONFIG});`);
    await expect.poll(() => failures).toEqual([2]);
    expect(said).toEqual(["demo was given wrong configuration:\nsite.yaml:3:1 expected more"]);
    expect([part.running, existsSync(pidFile())]).toEqual([false, false]);
    expect(log()).toBe("site.yaml:3:1 expected more\n");
  });

  it("is not started again when it is stopped while it waits for its restart", async () => {
    const part = started("process.exit(1);");
    await expect.poll(() => said.length).toBe(1);
    await part.stop();
    expect([part.running, pid()]).toEqual([false, undefined]);
    const lives = said.length;
    // As long as a restart takes: another part has its whole second life meanwhile.
    const other = started("process.exit(1);");
    await expect.poll(() => said.length).toBe(lives + 2);
    await other.stop();
    expect([part.running, said.length]).toEqual([false, lives + 2]);
  });

  it("is killed when it does not end by itself", async () => {
    const part = started(`process.on("SIGTERM", () => process.stdout.write("no\\n")); ${STAYS}`);
    await isUp();
    const stubborn = pid() ?? 0;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const stopping = part.stop();
    await expect.poll(log).toContain("no\n");
    expect(isAlive(stubborn)).toBe(true);
    vi.advanceTimersByTime(8000);
    await stopping;
    expect([isAlive(stubborn), pid()]).toEqual([false, undefined]);
  });

  it("learns from its channel that the launcher was killed", async () => {
    writeFileSync(path.join(data, "part.mjs"), `process.once("disconnect", () => process.exit(0)); ${STAYS}`);
    const options = { name: "demo", args: ["part.mjs"], root: data, data };
    const launcher = `import { Part } from ${JSON.stringify(path.join(repository, "config/deploy/part.ts"))};
      new Part({ ...${JSON.stringify(options)}, env: { ...process.env, DEMO: "of the park" }, say() {}, fail() {} }).start();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", launcher], { stdio: "ignore" });
    await isUp();
    const orphan = pid() ?? 0;
    child.kill("SIGKILL");
    await expect.poll(() => isAlive(orphan)).toBe(false);
  });
});

describe("the data folder", () => {
  const file = (): string => path.join(data, "run", "launcher.pid");
  const holder = (): string => readFileSync(file(), "utf8").split("\n", 1)[0] ?? "";
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
  });

  it("is held by one launcher and free again when it gives it back", () => {
    const unlock = lockDataFolder(data);
    expect(holder()).toBe(String(process.pid));
    unlock?.();
    expect(existsSync(file())).toBe(false);
  });

  it("is refused while a living process holds it, which keeps its lock", async () => {
    const other = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    children.push(other);
    writeFileSync(file(), `${other.pid}\n`);
    expect(lockDataFolder(data)).toBeUndefined();
    expect(holder()).toBe(String(other.pid));
    other.kill("SIGKILL");
    await once(other, "exit");
    expect(lockDataFolder(data)).toBeTypeOf("function");
    expect(holder()).toBe(String(process.pid));
  });

  it.each(["", "not a number\n", "0\n", "-1\n"])("is taken over from a lock that names no process: %j", (content) => {
    writeFileSync(file(), content);
    expect(lockDataFolder(data)).toBeTypeOf("function");
    expect(holder()).toBe(String(process.pid));
  });

  it.skipIf(process.platform !== "linux")(
    "is taken over when another process has the number of the one that held it, as after a cut of the power",
    async () => {
      const script = `import { lockDataFolder } from ${JSON.stringify(path.join(repository, "config/deploy/data-lock.ts"))};
        lockDataFolder(process.argv[1]); setInterval(() => {}, 1000); process.stdout.write("held");`;
      const other = spawn(process.execPath, ["--input-type=module", "--eval", script, data], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(other);
      await once(other.stdout, "data");
      expect(lockDataFolder(data)).toBeUndefined();
      const [number, taken = ""] = readFileSync(file(), "utf8").split("\n");
      expect(number).toBe(String(other.pid));
      const [boot = "", ticks = ""] = taken.split("/");
      const others = [`${boot}/${Number(ticks) + 1}`, `${boot.replaceAll(/[0-9a-f]/g, "0")}/${ticks}`];
      for (const stranger of others) {
        writeFileSync(file(), `${number}\n${stranger}\n`);
        const unlock = lockDataFolder(data);
        expect(unlock).toBeTypeOf("function");
        expect(holder()).toBe(String(process.pid));
        unlock?.();
      }
    },
  );

  it("is taken over from a process that is gone", () => {
    const gone = spawnSync(process.execPath, ["--version"]).pid;
    writeFileSync(file(), `${gone}\n`);
    expect(lockDataFolder(data)).toBeTypeOf("function");
    expect(holder()).toBe(String(process.pid));
  });
});

describe("the console", { timeout: 60_000 }, () => {
  const said: string[] = [];
  const write = (name: string, content: string): void => {
    mkdirSync(path.dirname(path.join(data, name)), { recursive: true });
    writeFileSync(path.join(data, name), content);
  };
  const built = (name: string): boolean => existsSync(path.join(data, "cloud/console/dist", name));
  /** Brings the console up to date and tells whether it was built. */
  async function brought(): Promise<boolean> {
    said.length = 0;
    await buildConsoleIfStale(data, (text) => said.push(text));
    return said.length > 0;
  }

  beforeEach(() => {
    symlinkSync(path.join(repository, "node_modules"), path.join(data, "node_modules"), "dir");
    write("package-lock.json", "{}");
    write("package.json", '{ "type": "module" }');
    write("core/units.ts", "export const unit = 1;");
    write("cloud/console/index.html", '<script type="module" src="./main.ts"></script>');
    write("cloud/console/main.ts", 'import { unit } from "../../core/units.ts"; document.title = String(unit);');
  });

  it("is built at the first start, and again only when what it is built from has changed", async () => {
    expect([await brought(), built("index.html")]).toEqual([true, true]);
    expect(said).toEqual(["building the console ...", expect.stringMatching(/^console built in [\d.]+ s$/)]);
    expect(await brought()).toBe(false);
    write("README.md", "nothing the console is made of");
    expect(await brought()).toBe(false);
    write("core/units.ts", "export const unit = 2;");
    expect([await brought(), await brought()]).toEqual([true, false]);
    write("cloud/console/pages/page.css", "p { color: red }");
    expect([await brought(), await brought()]).toEqual([true, false]);
    write("package-lock.json", '{ "other": "versions" }');
    expect([await brought(), await brought()]).toEqual([true, false]);
    rmSync(path.join(data, "cloud/console/dist"), { recursive: true });
    expect([await brought(), built("index.html")]).toEqual([true, true]);
  });

  it("is not taken for built when the build failed", async () => {
    write("cloud/console/main.ts", 'import "./missing.ts";');
    await expect(brought()).rejects.toThrow(/^the console could not be built: vite ended with 1$/);
    await expect(brought()).rejects.toThrow(/could not be built/);
    write("cloud/console/missing.ts", "export {};");
    expect(await brought()).toBe(true);
  });
});

describe("the sign-in line", () => {
  const file = (): string => path.join(data, FIRST_LOGIN_FILE);

  it("shows the password that was made at the first start, and where it is kept", () => {
    writeFileSync(file(), "user: admin\npassword: blue-heron-41\n");
    expect(signInLine(data, false)).toBe(`admin / blue-heron-41   (kept in ${file()})`);
  });

  it("never shows a password that the user has chosen", () => {
    writeFileSync(file(), "user: admin\npassword: blue-heron-41\n");
    expect(signInLine(data, true)).toBe("admin, with the password of PARKHUB_ADMIN_PASSWORD");
  });

  it("shows none where the file was removed or holds none", () => {
    expect(signInLine(data, false)).toBe("admin, with the password that was set");
    writeFileSync(file(), "");
    expect(signInLine(data, false)).toBe("admin, with the password that was set");
  });
});
