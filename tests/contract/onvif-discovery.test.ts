import { createSocket, type Socket } from "node:dgram";
import { Value as Schema } from "typebox/value";
import { afterEach, describe, expect, it } from "vitest";
import { Discovery } from "#core/contracts/discovery.ts";
import { deviceId } from "#core/ids.ts";
import type { OnvifConfig } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { recordDriver } from "./driver-contract.ts";
import { never } from "./onvif-field.ts";
import { documentOf } from "./onvif-scripted.ts";

const CHANNEL = deviceId("park/gw-1/cameras");

interface Match {
  readonly relatesTo: string;
  readonly endpoint?: string;
  readonly addresses?: string;
  readonly scopes?: string;
  readonly action?: string;
}

/** A ProbeMatches as WS-Discovery of April 2005 writes it (section 5.3.1). */
const matches = ({ relatesTo, endpoint = "urn:uuid:0001", addresses = "", scopes = "", action }: Match): string =>
  '<?xml version="1.0"?><S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope" ' +
  'xmlns:W="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:D="http://schemas.xmlsoap.org/ws/2005/04/discovery" ' +
  'xmlns:N="http://www.onvif.org/ver10/network/wsdl"><S:Header>' +
  `<W:Action>${action ?? "http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches"}</W:Action>` +
  `<W:RelatesTo>${relatesTo}</W:RelatesTo></S:Header><S:Body><D:ProbeMatches><D:ProbeMatch><W:EndpointReference>` +
  `<W:Address>${endpoint}</W:Address></W:EndpointReference><D:Types>N:NetworkVideoTransmitter</D:Types>` +
  `<D:Scopes>${scopes}</D:Scopes><D:XAddrs>${addresses}</D:XAddrs><D:MetadataVersion>1</D:MetadataVersion>` +
  "</D:ProbeMatch></D:ProbeMatches></S:Body></S:Envelope>";

describe("a search for devices", { timeout: 20_000 }, () => {
  const sockets: Socket[] = [];
  const stopping: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stopping.splice(0)) await stop();
    for (const socket of sockets.splice(0)) socket.close();
  });

  /** Answers each probe with these; gives where, and what was asked. */
  async function responder(answers: (probe: string) => readonly string[]) {
    const socket = createSocket("udp4");
    sockets.push(socket);
    const probes: string[] = [];
    socket.on("message", (bytes, from) => {
      const probe = bytes.toString("utf8");
      probes.push(probe);
      for (const answer of answers(probe)) socket.send(answer, from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    return { target: `127.0.0.1:${socket.address().port}`, probes };
  }
  const idOf = (probe: string): string => /MessageID>([^<]+)</.exec(probe)?.[1] ?? "";

  async function search(config: Partial<OnvifConfig>): Promise<Discovery> {
    const recording = recordDriver();
    const driver = await onvif.create({ discoveryMs: 400, ...config }, recording.deps);
    stopping.push(() => driver.stop());
    await driver.start(never);
    const found = documentOf(await driver.act({ device: CHANNEL, action: "discover", params: {} }, never));
    expect(Schema.Check(Discovery, found)).toBe(true);
    return found as Discovery;
  }

  it("asks its targets for devices and transmitters, and names who answers by its endpoint", async () => {
    const { target, probes } = await responder((probe) => [
      matches({
        relatesTo: idOf(probe),
        endpoint: "urn:uuid:cf42c1e8-5d21-513e-a915-aeb28c4ef818",
        addresses: "http://[fe80::1]/onvif/device_service http://127.0.0.1:8899/onvif/device_service",
        scopes:
          "onvif://www.onvif.org/Profile/T onvif://www.onvif.org/name/Gate%203 onvif://www.onvif.org/hardware/DOME-9 onvif://www.onvif.org/location/x",
      }),
    ]);
    const found = await search({ discoveryTargets: [target] });
    expect(found.devices).toEqual([
      {
        identity: "urn:uuid:cf42c1e8-5d21-513e-a915-aeb28c4ef818",
        name: "Gate 3",
        model: "DOME-9",
        config: { url: "http://127.0.0.1:8899/onvif/device_service" },
      },
    ]);
    expect(found.problems).toEqual([]);
    const types = probes.map((probe) => /Types>([^<]+)</.exec(probe)?.[1]);
    expect(new Set(types)).toEqual(new Set(["tds:Device", "dn:NetworkVideoTransmitter"]));
  });

  it("takes no answers to questions it did not ask, and none that are no answers", async () => {
    const bomb = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>';
    const { target } = await responder((probe) => [
      matches({ relatesTo: "urn:uuid:somebody-else", addresses: "http://127.0.0.1/x" }),
      matches({ relatesTo: idOf(probe), addresses: "http://127.0.0.1/x", action: "http://example.org/Hello" }),
      matches({ relatesTo: idOf(probe), endpoint: "", addresses: "http://127.0.0.1/x" }),
      matches({ relatesTo: idOf(probe), endpoint: "urn:uuid:9", addresses: "ftp://127.0.0.1/ javascript:alert(1)" }),
      bomb,
      "garbage",
    ]);
    const found = await search({ discoveryTargets: [target] });
    expect(found.devices).toEqual([]);
    expect(found.problems).toContain("127.0.0.1 gave no address of its device service");
    expect(found.problems.some((problem) => /answers were no ProbeMatches/.test(problem))).toBe(true);
  });

  it("says so when a device names an address that is not its own", async () => {
    const { target } = await responder((probe) => [
      matches({ relatesTo: idOf(probe), addresses: "http://192.0.2.7/onvif/device_service" }),
    ]);
    const found = await search({ discoveryTargets: [target] });
    expect(found.problems).toContain("127.0.0.1 gave an address at 192.0.2.7");
  });

  it("finds a flood of devices to be at most a thousand", async () => {
    const { target } = await responder((probe) =>
      Array.from({ length: 600 }, (_, n) =>
        matches({ relatesTo: idOf(probe), endpoint: `urn:uuid:${idOf(probe)}-${n}`, addresses: "http://127.0.0.1/x" }),
      ),
    );
    const found = await search({ discoveryTargets: [target], discoveryMs: 1000 });
    expect(found.devices.length).toBeLessThanOrEqual(1000);
    expect(found.devices.length).toBeGreaterThan(0);
  });

  it("tells what could not be asked", async () => {
    expect((await search({})).problems).toEqual([
      "the channel names neither discoveryInterfaces nor discoveryTargets: nobody was asked",
    ]);
    // [RFC 5737] no machine has this address, so no socket can be there
    const found = await search({ discoveryInterfaces: ["192.0.2.1"] });
    expect(found.problems).toEqual(["search at 192.0.2.1: EADDRNOTAVAIL"]);
  });
});
