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

/**
 * What tells a process from every other that ever had its number, before the machine was started anew too: boot and tick of its
 * start, `<boot id>/<ticks>`. Undefined where the system does not say (not Linux), or the process is gone.
 */
function incarnation(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): the name in parentheses may hold anything; behind it, the start is the 20th field.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? undefined : `${boot}/${ticks}`;
  } catch {
    return undefined;
  }
}

/** Is the process that a lock names still the one that took it? A lock without an incarnation is believed on its number. */
function holds(lock: string): boolean {
  const [number, taken] = lock.split("\n");
  const pid = Number(number);
  if (pid === process.pid || !Number.isInteger(pid) || pid <= 0 || !alive(pid)) return false;
  const now = incarnation(pid);
  return taken === undefined || taken === "" || now === undefined || taken === now;
}

/** File below `run/` that says which process uses the data folder as what: its number, and in a second line its incarnation. */
export type LockFile = "launcher.pid" | "cloud.lock";

/**
 * Takes the data folder for this process: a file below `run/`. One left by a process that is gone is taken over, also when
 * another process has its number by now, as happens when the machine lost its power.
 * Returns how to give it back, or undefined when another living process holds it.
 */
export function lockDataFolder(data: string, name: LockFile = "launcher.pid"): (() => void) | undefined {
  const file = path.join(data, "run", name);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, `${process.pid}\n${incarnation(process.pid) ?? ""}\n`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch {
      if (holds(readFileSync(file, "utf8"))) return undefined;
      rmSync(file, { force: true });
    }
  }
  return undefined;
}
