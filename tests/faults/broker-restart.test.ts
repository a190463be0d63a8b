import { describe, expect, it, onTestFinished } from "vitest";
import { decodePayload } from "#core/sparkplug/payload.ts";
import { cloudUrl, gatewayAt, ListeningCloud, mosquittoOfPark } from "#tests/fixtures/cloud/external-park.ts";
import { mosquittoProgram } from "#tests/servers/mosquitto.ts";

/** So much later than the gateway the cloud comes back, ms. */
const LATER_MS = 1500;

describe.skipIf(mosquittoProgram() === undefined)("[catalogue 1] a broker that was killed", () => {
  it("and is reached by a gateway before the cloud, has the cloud ask for the births that nobody heard", async () => {
    const server = await mosquittoOfPark();
    onTestFinished(() => server.remove());
    const cloud = new ListeningCloud(cloudUrl(server), {
      retry: { firstMs: LATER_MS, longestMs: LATER_MS },
      random: () => 1,
    });
    cloud.broker.attach(cloud);
    onTestFinished(() => cloud.broker.close());
    await expect.poll(() => cloud.broker.status.ready).toBe(true);
    const before = await gatewayAt(server.port, "gw-1");
    await before.publishAsync("spBv1.0/park/NBIRTH/gw-1", "born");
    await expect.poll(() => cloud.texts("park/gw-1")).toEqual(["born"]);

    await server.kill();
    await before.endAsync(true);
    await server.start();
    const gateway = await gatewayAt(server.port, "gw-1");
    onTestFinished(() => gateway.endAsync(true));
    const asked: unknown[] = [];
    gateway.on("message", (_topic, payload) => asked.push(decodePayload(payload).metrics));
    await gateway.subscribeAsync("spBv1.0/park/NCMD/gw-1/#");
    await gateway.publishAsync("spBv1.0/park/NBIRTH/gw-1", "born unheard", { qos: 1 });
    expect(cloud.broker.status.ready).toBe(false);

    await expect.poll(() => asked).toMatchObject([[{ name: "Node Control/Rebirth", value: true }]]);
    expect(cloud.texts("park/gw-1")).toEqual(["born"]);
    await gateway.publishAsync("spBv1.0/park/NBIRTH/gw-1", "born again", { qos: 1 });
    await expect.poll(() => cloud.texts("park/gw-1")).toEqual(["born", "born again"]);
  });
});
