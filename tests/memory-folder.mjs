// Plain JavaScript for Node 20: it belongs to run.mjs.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";

/** A file system that Linux keeps in memory. */
const SHARED_MEMORY = "/dev/shm";
/** The tests need far less; what is full would fail them for a reason that is not theirs. Bytes. */
const ROOM = 6 * 1024 ** 3;

/** May what lies there be executed? */
function executes(folder) {
  const script = path.join(folder, "executes");
  writeFileSync(script, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  const { status } = spawnSync(script);
  rmSync(script);
  return status === 0;
}

/**
 * A new folder in memory for the files of tests, or undefined where there is none with room. Servers that a test kills lose
 * nothing by it: what a killed process has written stays, on a disk as in memory. Only the waiting for the disk goes, which
 * is long where several tests write at a time. Whoever asks for it removes it.
 */
export function memoryFolder() {
  if (process.platform !== "linux") return undefined;
  let folder;
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    const free = process.availableMemory?.() ?? os.freemem();
    if (Math.min(bavail * bsize, free) < ROOM) return undefined;
    folder = mkdtempSync(path.join(SHARED_MEMORY, "parkhub-test-"));
    // a server that runs as nobody has its folder in it
    chmodSync(folder, 0o711);
    if (executes(folder)) return folder;
  } catch {
    // none that can be used
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return undefined;
}
