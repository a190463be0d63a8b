import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Program } from "#tests/program.ts";

describe("a program that a test waits for", { timeout: 30_000 }, () => {
  let program: Program | undefined;
  afterEach(() => program?.kill());

  const start = (script: string): Program => {
    program = Program.start(["--eval", script]);
    return program;
  };

  it("gives the line that was waited for, and its exit code", async () => {
    const one = start('console.log("begun"); console.log("port 4711"); setTimeout(() => process.exit(3), 1)');
    expect((await one.line(/^port (\d+)$/))[1]).toBe("4711");
    expect(await one.ended).toBe(3);
    expect(one.running).toBe(false);
  });

  it("fails the waiting as soon as it has ended, with its exit code and what it said", async () => {
    const one = start('console.log("begun"); console.error("no room"); process.exitCode = 7');
    const error: unknown = await one.line(/ready/).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/ended with code 7 before a line like \/ready\/\n.*begun\n.*no room/s);
  });

  it("fails the waiting when the time is over, with how it stands and what it said", async () => {
    const one = start('console.log("begun"); setInterval(() => {}, 1000)');
    await one.line(/begun/);
    const error: unknown = await one.line(/ready/, 50).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/waited 50 ms for a line like \/ready\/ from node .*its state: .*begun/s);
    expect(one.running).toBe(true);
  });

  it("is not handed the variables of whoever runs the tests", async () => {
    vi.stubEnv("PARKHUB_HTTP", "127.0.0.1:1");
    onTestFinished(() => void vi.unstubAllEnvs());
    const one = start(
      'console.log(Object.keys(process.env).filter((name) => name.startsWith("PARKHUB_")).join() + ".")',
    );
    expect((await one.line(/\.$/))[0]).toBe(".");
  });

  it("that cannot be started says so", async () => {
    const one = Program.start([], { command: "no-such-program" });
    await expect(one.line(/ready/)).rejects.toThrow(/no-such-program.*ENOENT/s);
  });
});
