import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Member, mayMakeNamespaces, Namespaces } from "./bacnet-network-namespaces.ts";
import type { Part } from "./bacnet-network-process.ts";

const PORT = 47_808;
const WHO_IS = 8;
const I_AM = 0;
const READ = 12;
const mask = "255.255.255.255";
const at = (subnet: number, number: number): { host: string; port: number } => ({
  host: `10.77.${subnet}.${number}`,
  port: PORT,
});
const interfaceAt = (subnet: number, number: number): ReturnType<typeof at> & { broadcast: ReturnType<typeof at> } => ({
  ...at(subnet, number),
  broadcast: at(subnet, 255),
});

/** Subnets 1, 2 and 3; the hub is in 1 and 2, a foreign device in 3, BBMDs in 1 and 2, a router to network 5 in 1. */
describe.skipIf(!mayMakeNamespaces())("BACnet stations on real networks", () => {
  const namespaces: { all?: Namespaces } = {};
  const members = new Map<string, Member>();
  // the folder with bacserv, built of bacnet-stack
  const thirdParty = process.env["PARKHUB_BACNET_STACK"];
  if (thirdParty === undefined)
    process.stderr.write("PARKHUB_BACNET_STACK is not set: a test with its BBMD is skipped\n");

  function member(name: string): Member {
    const found = members.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  }
  const begin = (name: string, namespace: string, part: Part): void => {
    members.set(name, new Member(namespace, part));
  };
  const heard = (name: string): unknown => member(name).announced.map(({ peer, body }) => [peer.host, body[0]]);
  const station = { part: "station", apduTimeoutMs: 1000, retries: 2 } as const;
  /** Announces to all of its BACnet network. */
  const broadcast = (name: string, mark: number, service = WHO_IS): Promise<unknown> =>
    member(name).perform({ do: "announce", service, body: [mark], to: { broadcast: "local" } });

  beforeAll(async () => {
    const all = new Namespaces([1, 2, 3]);
    namespaces.all = all;
    begin("hub", all.host("hub", 1, [1, 2]), { ...station, interfaces: [interfaceAt(1, 1), interfaceAt(2, 1)] });
    const peersOf = (subnet: number) => ({ peers: [{ ...at(subnet, 2), mask }] });
    begin("bbmd1", all.host("bbmd1", 2, [1]), { ...station, interfaces: [interfaceAt(1, 2)], bbmd: peersOf(2) });
    begin("bbmd2", all.host("bbmd2", 2, [2]), { ...station, interfaces: [interfaceAt(2, 2)], bbmd: peersOf(1) });
    const shared = { host: "0.0.0.0", port: PORT, broadcast: at(2, 255), shared: true };
    begin("device2", all.host("device2", 7, [2]), { ...station, interfaces: [shared] });
    const foreignDevice = { ...at(1, 2), ttlS: 60 };
    begin("foreign", all.host("foreign", 1, [3]), { ...station, interfaces: [at(3, 1)], foreignDevice });
    const router = all.host("router1", 9, [1]);
    begin("router", router, { part: "router", net: 1, fieldNet: 5, host: "10.77.1.9", broadcast: "10.77.1.255" });
    begin("field", router, { ...station, interfaces: [{ host: "127.0.0.1", port: 48_001 }] });
    await Promise.all([...members.values()].map((one) => one.ready()));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([...members.values()].map((one) => one.close()));
    namespaces.all?.close();
  });

  it("a station that is bound to its own address hears the broadcasts of both its networks, and not its own", async () => {
    await broadcast("hub", 1);
    await expect.poll(() => heard("device2")).toContainEqual(["10.77.2.1", 1]);
    await expect.poll(() => heard("bbmd1")).toContainEqual(["10.77.1.1", 1]);
    await broadcast("device2", 2, I_AM);
    await expect.poll(() => heard("hub")).toContainEqual(["10.77.2.7", 2]);
    await broadcast("bbmd1", 3, I_AM);
    await expect.poll(() => heard("hub")).toContainEqual(["10.77.1.2", 3]);
    expect(member("hub").announced.map(({ peer }) => peer.host)).not.toContain("10.77.1.1");
    expect(member("hub").announced.map(({ peer }) => peer.host)).not.toContain("10.77.2.1");
  });

  it("a foreign device in a third network reaches both by broadcast, hears them, and is answered directly", async () => {
    await expect.poll(() => member("foreign").perform({ do: "state" })).toMatchObject({ foreign: "registered" });
    expect(await member("bbmd1").perform({ do: "state" })).toMatchObject({
      foreignDevices: [{ ...at(3, 1), ttlS: 60 }],
    });
    await broadcast("foreign", 4);
    for (const name of ["hub", "bbmd1", "bbmd2", "device2"]) {
      await expect.poll(() => heard(name)).toContainEqual(["10.77.3.1", 4]);
    }
    await broadcast("device2", 5, I_AM);
    await expect.poll(() => heard("foreign")).toContainEqual(["10.77.2.7", 5]);
    const question = { do: "request", service: READ, body: [6], peer: at(2, 7) } as const;
    expect(await member("foreign").perform(question)).toEqual({ kind: "ack", body: [6] });
  });

  it("a device behind a router is found by its network, asked, and answers in segments", async () => {
    expect(await member("hub").perform({ do: "routeTo", net: 5 })).toEqual(at(1, 9));
    await member("hub").perform({ do: "announce", service: WHO_IS, body: [7], to: { broadcast: 5 } });
    await expect.poll(() => member("field").announced.map(({ body }) => body)).toContainEqual([7]);
    const asker = member("field").announced.at(-1)?.peer;
    expect(asker?.station).toEqual({ net: 1, mac: "0a4d0101bac0" });
    if (asker !== undefined) await member("field").perform({ do: "announce", service: I_AM, body: [8], to: asker });
    await expect.poll(() => heard("hub")).toContainEqual(["10.77.1.9", 8]);
    const peer = member("hub").announced.at(-1)?.peer;
    expect(peer).toEqual({ ...at(1, 9), station: { net: 5, mac: "01" } });
    const body = Array.from({ length: 4000 }, (_, i) => i % 256);
    const answer = await member("hub").perform({ do: "request", service: READ, body, peer: peer ?? at(1, 9) });
    expect(answer).toEqual({ kind: "ack", body });
  });

  it.skipIf(thirdParty === undefined)(
    "a BBMD of another make takes us as foreign device and passes broadcasts on",
    async () => {
      const all = namespaces.all;
      if (all === undefined) throw new Error("no namespaces");
      const host = all.host("third", 5, [2]);
      const environment = { ...process.env, BACNET_IFACE: "eth2", BACNET_IP_PORT: `${PORT}` };
      const program = path.resolve(thirdParty ?? "", "bacserv");
      const server = spawn("ip", ["netns", "exec", host, program, "260001"], { env: environment, stdio: "ignore" });
      const visitor = all.host("visitor", 8, [3]);
      const foreignDevice = { ...at(2, 5), ttlS: 60 };
      begin("visitor", visitor, { ...station, interfaces: [at(3, 8)], foreignDevice });
      try {
        await member("visitor").ready();
        await expect
          .poll(() => member("visitor").perform({ do: "state" }), { timeout: 20_000 })
          .toMatchObject({ foreign: "registered" });
        await member("visitor").perform({ do: "announce", service: WHO_IS, body: [], to: { broadcast: "global" } });
        // its own I-Am, and what is said on its subnet
        await expect.poll(() => member("visitor").announced.map(({ peer }) => peer.host)).toContain("10.77.2.5");
        await broadcast("device2", 9, I_AM);
        await expect.poll(() => heard("visitor")).toContainEqual(["10.77.2.7", 9]);
      } finally {
        const ended = once(server, "exit");
        server.kill();
        await ended;
      }
    },
  );
});
