import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Type } from "typebox";
import { expect } from "vitest";
import { loadSite } from "#config/load-site.ts";
import { ConfigError } from "#core/errors.ts";
import type { Tck } from "./tck.ts";

const GATEWAY = (id: string): string =>
  `{ gateway: ${id}, name: g, nameEn: g, space: park, channels: [{ id: bus, protocol: echo, config: {} }] }\n`;
const DEVICE = (id: string, points: string): string =>
  `  - { gateway: gw, id: ${id}, channel: bus, name: d, nameEn: d, space: park, kind: ahu, config: {}, points: [${points}] }\n`;
const POINT = (id: string): string => `{ id: ${id}, name: p, nameEn: p, kind: number, address: {} }`;

/** What is wrong with a site of these gateway files and devices. */
function problemsOf(gateways: readonly string[], devices: string): readonly string[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-site-"));
  try {
    for (const part of ["gateways", "devices"]) mkdirSync(path.join(folder, part));
    const site = "site: s\nname: s\nnameEn: s\ntimeZone: Asia/Shanghai\nlanguages: [en]\n";
    const places = "spaces: [{ id: park, kind: site, name: s, nameEn: s }]\npartitions: []\nzones: []\n";
    writeFileSync(path.join(folder, "site.yaml"), site + places);
    for (const [at, id] of gateways.entries()) writeFileSync(path.join(folder, `gateways/${at}.yaml`), GATEWAY(id));
    writeFileSync(path.join(folder, "devices/all.yaml"), `devices:\n${devices}`);
    const schemas = { config: Type.Object({}), device: Type.Object({}), address: Type.Object({}) };
    loadSite(folder, path.join(folder, "profiles"), new Map([["echo", schemas]]));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.slice(problem.indexOf(" ") + 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Which names a site may give. */
export function edgeNames(tck: Tck): void {
  tck.chapter("edge node: names that differ by case only", () => {
    const fine = DEVICE("ahu", `${POINT("temp")}, ${POINT("flow")}`);

    tck.covers(["case-sensitivity-sparkplug-ids"], "two gateways or devices of a site cannot have them", () => {
      expect(problemsOf(["gw", "other"], fine + DEVICE("meter", POINT("temp")))).toEqual([]);
      expect(problemsOf(["gw"], fine + DEVICE("AHU", POINT("temp")))).toEqual([
        '/devices/1/id expected an id used once in its gateway, got "AHU"',
      ]);
      expect(problemsOf(["gw", "GW"], fine)).toContainEqual(
        '/gateway expected an id used by one gateway file, got "GW"',
      );
    });

    tck.covers(["case-sensitivity-metric-names"], "two points of a device cannot have them", () => {
      expect(problemsOf(["gw"], DEVICE("ahu", `${POINT("temp")}, ${POINT("Temp")}`))).toEqual([
        '/devices/0/points/1/id expected a point id used once in its device, got "Temp"',
      ]);
    });
  });
}
