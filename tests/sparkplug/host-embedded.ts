import { afterAll, beforeAll, expect } from "vitest";
import { Bench, type Cloud, passwordOf } from "../integration/ingest-park.ts";
import { RawClient } from "./raw-client.ts";
import type { Tck } from "./tck.ts";

const STATE = "spBv1.0/STATE/hub";
const GATEWAY = "park:gw-1";

/** The host application that shares a process with its broker: it has no connection that could end. */
export function hostEmbedded(tck: Tck): void {
  tck.chapter("host application: beside the embedded broker", () => {
    let bench: Bench;
    let cloud: Cloud;
    beforeAll(async () => {
      bench = new Bench();
      cloud = await bench.cloud();
    });
    afterAll(() => bench.clear());

    tck.covers(
      ["host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet"],
      "says offline with the time of its end, before the broker ends every connection",
      async () => {
        const password = passwordOf(bench.folder);
        const watcher = await RawClient.connect(cloud.port, { clientId: GATEWAY, username: GATEWAY, password });
        expect(await watcher.subscribe("spBv1.0/STATE/#")).toBe(1);
        await expect.poll(() => watcher.messages.map(({ topic }) => topic)).toEqual([STATE]);
        expect(JSON.parse(String(watcher.messages[0]?.payload))).toMatchObject({ online: true });
        expect(watcher.messages[0]?.retain).toBe(true);
        const closingAt = Date.now();
        await cloud.close();
        await expect.poll(() => watcher.closed).toBe(true);
        const told = watcher.messages.map(({ payload }) => JSON.parse(String(payload)) as { timestamp: number });
        expect(told).toMatchObject([{ online: true }, { online: false }]);
        expect(watcher.messages[1]).toMatchObject({ topic: STATE, qos: 1 });
        expect(told[1]?.timestamp).toBeGreaterThanOrEqual(closingAt);
      },
    );
  });
}
