import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { DeviceMemory } from "#protocols/bacnet/client/memory.ts";

describe("the memory of a channel", () => {
  let folder: string;
  const file = (): string => path.join(folder, "devices.db");

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "bacnet-memory-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("opens nothing any more once it is closed", () => {
    const memory = new DeviceMemory(folder, silentLogger);
    memory.close();
    memory.remember("alarms", "1001", {});
    memory.learn(1001, { at: 0, vendorId: 7, maxApdu: 480 });
    expect(existsSync(file())).toBe(false);
  });

  it("is begun anew where a page of its file is broken, and keeps the broken one", () => {
    const memory = new DeviceMemory(folder, silentLogger);
    for (let instance = 0; instance < 200; instance++) {
      memory.learn(instance, { at: 0, vendorId: 7, maxApdu: 480, model: "x".repeat(200) });
    }
    memory.close();
    const bytes = readFileSync(file());
    bytes.fill(0xff, 4096);
    writeFileSync(file(), bytes);
    const again = new DeviceMemory(folder, silentLogger);
    expect([again.learned(150), [...again.leases()]]).toEqual([undefined, []]);
    again.remember("alarms", "1001", { known: true });
    expect(again.remembered("alarms", "1001")).toEqual({ known: true });
    again.close();
    expect(existsSync(`${file()}.broken`)).toBe(true);
  });
});
