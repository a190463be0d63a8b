import { once } from "node:events";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { buildEnvelope } from "#protocols/onvif/codec/envelope.ts";
import { parseXml } from "#protocols/onvif/codec/xml.ts";
import type { OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { makeKey, tlsIdentity } from "#simulators/self-signed.ts";
import { recordDriver } from "#tests/contract/driver-contract.ts";
import { CONFIG, CREDENTIALS, never, POLL, plainServer } from "#tests/contract/onvif-field.ts";
import { scriptedDevice } from "#tests/contract/onvif-scripted.ts";

const DEVICE = deviceId("park/gw-1/hostile");
const MB = 1024 * 1024;
const HOUR = 3_600_000;

describe("[catalogue 19] a hostile ONVIF device", { timeout: 60_000 }, () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function observing(url: string, device: Partial<OnvifDevice> = {}) {
    const recording = recordDriver();
    const driver = await onvif.create(CONFIG, recording.deps);
    closing.push(() => driver.stop());
    await driver.start(never);
    const config: OnvifDevice = { url, ...CREDENTIALS, ...device };
    const point = pointId(`${DEVICE}/online`);
    await driver.bind([
      { device: DEVICE, config, points: [{ point, address: { signal: "online" }, writable: false }] },
    ]);
    return {
      driver,
      recording,
      latest: () => recording.latest(point),
      count: (name: string) => driver.counters()[name] ?? 0,
    };
  }
  async function listening(server: Server): Promise<number> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  }

  it("that streams 50 MB for an answer is cut off early each time, and memory stays flat", async () => {
    const chunk = Buffer.alloc(65_536, 0x20);
    let sent = 0;
    const streaming = await plainServer((_request, _body, response) => {
      response.writeHead(200, { "content-type": "application/soap+xml" });
      let left = 50 * MB;
      const more = (): void => {
        while (left > 0 && !response.destroyed) {
          left -= chunk.length;
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once("drain", more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    closing.push(() => streaming.close());
    const before = process.memoryUsage();
    const made = await observing(streaming.url);
    await expect.poll(() => made.count("oversized"), { timeout: 30_000, interval: 50 }).toBeGreaterThanOrEqual(4);
    const after = process.memoryUsage();
    // A million bytes are looked at; the rest is what the sockets' buffers took before the line was cut.
    expect(sent / made.count("oversized")).toBeLessThan(12 * MB);
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(64 * MB);
    expect(made.recording.states.at(-1)).toMatchObject({ online: false, reason: "malformed" });
  });

  it("that announces 50 MB is cut off before the first byte of it", async () => {
    const announcing = await plainServer((_request, _body, response) => {
      response.writeHead(200, { "content-type": "application/soap+xml", "content-length": 50 * MB });
      response.write("<");
    });
    closing.push(() => announcing.close());
    const made = await observing(announcing.url);
    await expect.poll(() => made.count("oversized"), POLL).toBeGreaterThan(1);
    expect(made.count("timeouts")).toBe(0);
  });

  it("that redirects to another host is not followed, and counted", async () => {
    const other = await plainServer((_request, _body, response) => response.end("stolen"));
    closing.push(() => other.close());
    const redirecting = await plainServer((_request, _body, response) => {
      response.writeHead(307, { location: other.url });
      response.end();
    });
    closing.push(() => redirecting.close());
    const made = await observing(redirecting.url);
    await expect.poll(() => made.count("redirects"), POLL).toBeGreaterThan(1);
    expect(made.recording.states.at(-1)).toMatchObject({ online: false, reason: "malformed" });
    expect(other.paths).toEqual([]);
  });

  it("that lives and goes mad in one operation, is still there for all others", async () => {
    const device = await scriptedDevice(["events", "door"]);
    closing.push(() => device.close());
    const bomb =
      '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><x>&b;&c;</x>';
    device.answer({ GetDoorInfoList: () => "<dc:GetDoorInfoListResponse/>", PullMessages: () => bomb });
    const made = await observing(device.url);
    await expect.poll(() => made.count("malformed"), POLL).toBeGreaterThan(2);
    expect(made.latest()).toMatchObject({ value: true, quality: "good" });
    expect(made.recording.reachability(DEVICE)).toEqual([true]);
  });

  it("that names itself as the next page for ever, is listed to its end", async () => {
    const device = await scriptedDevice(["door"]);
    closing.push(() => device.close());
    let page = 0;
    device.answer({
      GetDoorInfoList: () => {
        page++;
        return (
          `<dc:GetDoorInfoListResponse><dc:NextStartReference>${page}</dc:NextStartReference>` +
          `<dc:DoorInfo token="${page}"><dc:Name>x</dc:Name></dc:DoorInfo></dc:GetDoorInfoListResponse>`
        );
      },
    });
    const made = await observing(device.url);
    await expect.poll(() => made.latest()?.value, POLL).toBe(true);
    expect(page).toBe(100);
  });

  it("that never ends its TLS handshake is given up in time", async () => {
    const port = await listening(createTcpServer((socket) => closing.push(async () => socket.destroy())));
    const made = await observing(`https://127.0.0.1:${port}/onvif/device_service`, { tls: { allowSelfSigned: true } });
    await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("commLost");
    expect(made.count("timeouts")).toBeGreaterThan(0);
  });

  describe("with a certificate", () => {
    async function secure({ from, to }: { readonly from: number; readonly to: number }) {
      const { key, cert, fingerprint } = tlsIdentity(makeKey(), {
        commonName: "camera",
        notBefore: from,
        notAfter: to,
      });
      let requests = 0;
      const server = createTlsServer({ key, cert }, (request, response) => {
        requests++;
        request.resume();
        response.end(buildEnvelope("<tds:GetSystemDateAndTimeResponse/>"));
      });
      const port = await listening(server);
      closing.push(async () => server.closeAllConnections());
      return { url: `https://127.0.0.1:${port}/onvif/device_service`, fingerprint, requests: () => requests };
    }
    const now = systemClock.now();
    const inDate = { from: now - HOUR, to: now + HOUR };
    const expired = { from: now - 2 * HOUR, to: now - HOUR };

    it.each([
      ["made by itself, by default", inDate, {}],
      ["made by itself and expired", expired, { allowSelfSigned: true }],
      ["of another device", inDate, { serverFingerprint: "00".repeat(32) }],
    ])("%s, is not trusted and told nothing", async (_what, validity, tls) => {
      const server = await secure(validity);
      const made = await observing(server.url, { tls });
      await expect.poll(() => made.recording.states.at(-1)?.reason, POLL).toBe("untrusted");
      expect(server.requests()).toBe(0);
    });

    it("that is allowed to be made by itself, is asked", async () => {
      const server = await secure(inDate);
      await observing(server.url, { tls: { allowSelfSigned: true } });
      await expect.poll(server.requests, POLL).toBeGreaterThan(0);
    });

    it("that is known by its fingerprint, is asked even when it has expired", async () => {
      const server = await secure(expired);
      await observing(server.url, { tls: { serverFingerprint: server.fingerprint } });
      await expect.poll(server.requests, POLL).toBeGreaterThan(0);
    });
  });
});

describe("XML of the largest size that is looked at", () => {
  const filled = (unit: string): string => {
    const count = Math.floor(990_000 / unit.length);
    return `<a>${unit.repeat(count)}</a>`;
  };

  it.each([
    ["of empty elements", filled("<b/>"), /tags/],
    ["of attributes", `<a ${Array.from({ length: 90_000 }, (_, n) => `a${n}=""`).join(" ")}/>`, /attributes/],
    [
      "of namespaces",
      `<a ${Array.from({ length: 5000 }, (_, n) => `xmlns:n${n}="u"`).join(" ")}><b xmlns="x"/></a>`,
      /namespaces in scope/,
    ],
    ["of half a tag", `<a>${"<".repeat(50_000)}</a>`, /XML refused/],
  ])("%s is refused before it takes memory", (_what, xml, why) => {
    const before = process.memoryUsage().heapUsed;
    expect(() => parseXml(xml)).toThrow(why);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * MB);
  });

  it.each([
    ["of text", filled("plain text "), 989_999],
    ["of references", filled("&#65;"), 198_000],
    ["of references that are none", filled("&lol;"), 990_000],
  ])("%s is read, and no reference but the known ones is resolved", (_what, xml, length) => {
    expect(parseXml(xml).text.length).toBe(length);
  });
});
