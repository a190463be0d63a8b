import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { Bundle } from "#core/contracts/bundle.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { Agent, AgentOptions } from "#edge/agent.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud, EdgeField, echoBundle, equalsAlarm, numberPoint, runGateway } from "./edge-cloud.ts";

export const ZONE = "park/gw/panel/zone-3";
export const LIGHT = "park/gw/lights/light-3";
export const POINTS = [
  numberPoint("panel", "zone-3"),
  numberPoint("lights", "light-3", { min: 0, max: 100 }),
  numberPoint("lights", "reading", { writable: false }),
  numberPoint("camera-3", "motion"),
];
export const INTRUSION: Rule = {
  id: "intrusion",
  name: "周界",
  nameEn: "perimeter",
  enabled: true,
  when: { type: "alarmRaised", category: "intrusion" },
  then: [
    { action: "ptzPreset", params: { camera: { from: "zone.camera" }, preset: { from: "zone.preset" } } },
    { action: "writePoint", params: { point: { from: "zone.light" }, value: 100 } },
    { action: "snapshot", params: { camera: { from: "zone.camera" } }, group: 1 },
    { action: "notifyConsole", params: { text: "入侵", textEn: "intrusion", popup: true }, group: 2 },
  ],
};
export const PARTS: Partial<Bundle> = {
  zones: [
    {
      id: "zone-3",
      name: "三号",
      nameEn: "three",
      partition: "perimeter",
      space: "site",
      kind: "perimeter",
      camera: "park/gw/camera-3",
      preset: "5",
      light: LIGHT,
    },
  ],
  alarms: [equalsAlarm("zone-3-alarm", ZONE, { zone: "zone-3" })],
  rules: [INTRUSION],
};

/** A perimeter with one zone, its camera and its light, behind one gateway; made anew for each test. Call in a describe. */
export class Perimeter {
  readonly #folder = temporaryFolders();
  cloud = new EdgeCloud();
  field = new EdgeField("");
  root = "";
  agent: Agent | undefined;

  constructor() {
    beforeEach(async () => {
      this.root = this.#folder();
      mkdirSync(join(this.root, "field"));
      this.field = new EdgeField(join(this.root, "field"));
      this.cloud = new EdgeCloud();
      await this.cloud.start();
    });
    afterEach(async () => {
      await this.agent?.stop();
      this.agent = undefined;
      await this.cloud.stop();
    });
  }

  /** Starts the gateway on these parts and waits for its first values. */
  async running(parts: Partial<Bundle> = PARTS, more: Partial<AgentOptions> = {}): Promise<Agent> {
    await this.cloud.announce(echoBundle(1, this.field.directory, POINTS, parts), 1);
    const agent = await runGateway(this.cloud, join(this.root, "data"), more);
    this.agent = agent;
    await expect.poll(() => agent.latest(LIGHT)?.quality).toBe("good");
    return agent;
  }

  /** What the drivers were asked to do, in order. */
  log(): string[] {
    const file = join(this.field.directory, "log");
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  }
}
