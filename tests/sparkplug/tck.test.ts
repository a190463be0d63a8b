import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APPLICABLE, NOT_APPLICABLE } from "./assertions.ts";
import { edgeMessages } from "./edge-messages.ts";
import { edgeNames } from "./edge-names.ts";
import { edgePayloads } from "./edge-payloads.ts";
import { EdgeRecording } from "./edge-recording.ts";
import { edgeSession } from "./edge-session.ts";
import { hostEmbedded } from "./host-embedded.ts";
import { hostNodes } from "./host-nodes.ts";
import { hostOrder } from "./host-order.ts";
import { HostRecording } from "./host-recording.ts";
import { hostState } from "./host-state.ts";
import { serverBroker } from "./server-broker.ts";
import { Tck } from "./tck.ts";

const tck = new Tck();

/** Plays a scenario on a folder of its own. */
async function onFolder<T>(play: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-tck-"));
  try {
    return await play(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

describe("Sparkplug 3.0: a gateway as edge node", () => {
  let recording: EdgeRecording;
  beforeAll(async () => {
    recording = await onFolder((folder) => EdgeRecording.play(folder));
  });
  const played = (): EdgeRecording => recording;

  edgeSession(tck, played);
  edgeMessages(tck, played);
  edgePayloads(tck, played);
  edgeNames(tck);
});

describe("Sparkplug 3.0: the cloud as host application", () => {
  let recording: HostRecording;
  beforeAll(async () => {
    recording = await onFolder((folder) => HostRecording.play(folder));
  });
  const played = (): HostRecording => recording;

  hostState(tck, played);
  hostNodes(tck, played);
  hostOrder(tck);
  hostEmbedded(tck);
});

describe("Sparkplug 3.0: the embedded broker as MQTT server", () => serverBroker(tck));

describe("Sparkplug 3.0: the account of the assertions", () => {
  const applicable = Object.values(APPLICABLE).flat();

  it("names every assertion of the specification once", () => {
    const all = [...applicable, ...NOT_APPLICABLE.flatMap(({ ids }) => ids)];
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(299);
  });

  it("has a case or a reason for every assertion that applies, and never both", () => {
    const open = applicable.filter((id) => !tck.covered.has(id) && !tck.excused.has(id));
    expect(open).toEqual([]);
    expect([...tck.excused.keys()].filter((id) => tck.covered.has(id))).toEqual([]);
  });

  it("has cases and reasons for nothing else", () => {
    expect([...tck.covered, ...tck.excused.keys()].filter((id) => !applicable.includes(id))).toEqual([]);
  });

  afterAll(() => {
    const lines = [`Sparkplug 3.0: ${tck.covered.size} covered / ${applicable.length} applicable`];
    for (const [id, reason] of tck.excused) lines.push(`  not covered ${id}: ${reason}`);
    for (const { ids, reason } of NOT_APPLICABLE) lines.push(`  not applicable (${ids.length}): ${reason}`);
    process.stdout.write(`${lines.join("\n")}\n`);
  });
});
