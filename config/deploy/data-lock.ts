import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** File below `run/` that says which process uses the data folder as what. */
export type LockFile = "launcher.pid" | "cloud.lock";

/**
 * Takes the data folder for this process: a file below `run/`. One left by a process that is gone is taken over.
 * Returns how to give it back, or undefined when another living process holds it.
 */
export function lockDataFolder(data: string, name: LockFile = "launcher.pid"): (() => void) | undefined {
  const file = path.join(data, "run", name);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch {
      const pid = Number(readFileSync(file, "utf8"));
      if (pid !== process.pid && Number.isInteger(pid) && pid > 0 && alive(pid)) return undefined;
      rmSync(file, { force: true });
    }
  }
  return undefined;
}
