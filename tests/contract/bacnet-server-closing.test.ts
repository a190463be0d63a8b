import { expect, it } from "vitest";
import { UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { serveAirHandler } from "./bacnet-fixture.ts";
import { closeAfter, workstation } from "./bacnet-server-fixture.ts";

const POLL = { timeout: 10_000, interval: 10 };

it("a simulated device that is closed while it has no power ends its wait and leaves no timer", async () => {
  const clock = new ManualClock(0);
  const server = await serveAirHandler(1001, { clock });
  const up = server.reboot(3_600_000);
  const twice = server.reboot(3_600_000);
  await server.close();
  await Promise.all([up, twice]);
  expect(clock.pending).toBe(0);
});

it("a simulated device announces itself to whoever asked last, however many have asked before", async () => {
  const server = closeAfter(await serveAirHandler(1001));
  const iAms = (client: { announced: readonly { service: number }[] }) =>
    client.announced.filter(({ service }) => service === UNCONFIRMED.iAm).length;
  for (let i = 0; i < 66; i++) {
    const passing = await workstation(server);
    passing.announce(UNCONFIRMED.whoIs, encodeWhoIs(undefined));
    await expect.poll(() => iAms(passing), POLL).toBe(1);
    await passing.station.close();
  }
  const last = await workstation(server);
  last.announce(UNCONFIRMED.whoIs, encodeWhoIs(undefined));
  await expect.poll(() => iAms(last), POLL).toBe(1);
  await server.reboot(10);
  await expect.poll(() => iAms(last), POLL).toBe(2);
});
