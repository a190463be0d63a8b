import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Site } from "#config/schema/site.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { Command, CommandResult } from "#core/model/command.ts";
import type { Door } from "#core/model/door.ts";
import { DomainBench, type Domains, NOON } from "../domain-bench.ts";
import { aClip, CAMERA, doorPark, GW1, LIGHT, sampleOf, TEMPERATURE } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(() => {
  bench = new DomainBench();
});
afterEach(() => bench.clear());

const runs = (rule: string): readonly RunView[] => cloud.linkage.runsOf(rule, { limit: 100 }).items;
const commands = (): Command[] => cloud.link.sent.map(({ command }) => command);
const steps = (run: RunView | undefined): string[] =>
  run?.steps.map(({ action, status, detail = "" }) => `${action} ${status} ${detail}`.trim()) ?? [];
function answer(command: Command | undefined, fields: Partial<CommandResult> = {}): void {
  const result = { id: command?.id ?? "", status: "done" as const, finishedAt: bench.clock.now(), ...fields };
  cloud.item(GW1, { offset: 0, at: NOON, kind: "commandResult", result });
}
/** Waits until so many commands were sent: steps follow each other through promises. */
const sent = (count: number) => expect.poll(() => commands().length).toBe(count);

describe("a rule of the cloud on doors and clips", () => {
  const rule = (id: string, then: Site["rules"][number]["then"]): Site["rules"][number] => ({
    id,
    name: "名",
    nameEn: "Name",
    enabled: true,
    when: { type: "point", point: TEMPERATURE, operator: ">", value: 35 },
    // the light of the other gateway makes it a rule of the cloud
    if: [{ match: "none", tests: [{ type: "point", point: LIGHT, operator: "=", value: true }] }],
    then,
  });
  const open = async (then: Site["rules"][number]["then"]) => {
    const park = doorPark();
    const second = { ...park.doors?.[0], id: "door-3", token: "d3", escape: true } as Door;
    cloud = await bench.open({ ...park, doors: [...(park.doors ?? []), second], rules: [rule("hot", then)] });
    cloud.state.take([sampleOf(LIGHT, false, { observedAt: NOON })]);
    cloud.takeSamples([sampleOf(TEMPERATURE, 36, { observedAt: NOON })]);
  };

  it("releases every escape door of the space below, each by a command of its own, also when one of them fails", async () => {
    await open([{ action: "releaseEscapeDoors", params: { space: "all" } }]);
    await sent(2);
    expect(commands().map((command) => command.kind === "action" && [command.action, command.params])).toEqual([
      ["doorControl", { door: "d2", operation: "lockOpen" }],
      ["doorControl", { door: "d3", operation: "lockOpen" }],
    ]);
    answer(commands()[0], { status: "failed", code: "ONVIF_FAULT", message: "stuck" });
    answer(commands()[1]);
    await cloud.linkage.idle();
    const [run] = runs("hot");
    expect([run?.outcome, steps(run)]).toEqual([
      "actionFailed",
      ["releaseEscapeDoors failed 1 of 2 failed; ONVIF_FAULT: stuck"],
    ]);
  });

  it("says of how many doors the release failed", async () => {
    await open([{ action: "releaseEscapeDoors", params: { space: "all" } }]);
    await sent(2);
    for (const command of commands()) answer(command, { status: "failed", code: "STUCK" });
    await cloud.linkage.idle();
    expect(steps(runs("hot")[0])).toEqual(["releaseEscapeDoors failed 2 of 2 failed; STUCK; STUCK"]);
  });

  it("records a clip at the gateway of the camera, and shows it at its step when it has come", async () => {
    await open([{ action: "recordClip", params: { camera: CAMERA, beforeS: 5, afterS: 20 } }]);
    await sent(1);
    expect(commands()[0]).toMatchObject({
      kind: "action",
      device: CAMERA,
      action: "recordClip",
      params: { beforeMs: 5000, afterMs: 20_000 },
    });
    answer(commands()[0]);
    await cloud.linkage.idle();
    const id = runs("hot")[0]?.id ?? "";
    expect(cloud.linkage.run(id)?.steps[0]).not.toHaveProperty("clip");
    cloud.item(GW1, aClip({ run: id }));
    cloud.linkage.refresh(id);
    expect(cloud.linkage.run(id)?.steps[0]?.clip).toMatchObject({ state: "coming", camera: CAMERA, frames: 1000 });
    expect(cloud.changes.at(-1)).toMatchObject({ kind: "runs", id, item: { steps: [{ clip: { camera: CAMERA } }] } });
  });

  it("has the picture that its snapshot gave at the step", async () => {
    await open([{ action: "snapshot", params: { camera: CAMERA } }]);
    await sent(1);
    answer(commands()[0], { blob: "e".repeat(64) });
    await cloud.linkage.idle();
    expect(runs("hot")[0]?.steps[0]?.snapshot).toBe(`/api/v1/blobs/${"e".repeat(64)}`);
  });
});
