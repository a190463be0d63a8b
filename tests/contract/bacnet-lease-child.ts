/** A gateway's driver in a process of its own, so that a test can kill it: writes once, tells the result and goes on. */
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { bacnet } from "#protocols/bacnet/index.ts";

const point = pointId("park/gw-1/ahu-1/supply-setpoint");
const never = new AbortController().signal;
const { PORT = "", FOLDER = "" } = process.env;

const online = Promise.withResolvers<void>();
const driver = await bacnet.create(
  { bind: { host: "127.0.0.1" } },
  {
    logger: silentLogger,
    clock: systemClock,
    folder: FOLDER,
    onSamples() {},
    onEvent() {},
    storeEvent: () => Promise.resolve(),
    onConditions() {},
    onHistory() {},
    onCertificates() {},
    onDevice: (state) => state.online && online.resolve(),
  },
);
await driver.start(never);
await driver.bind([
  {
    device: deviceId("park/gw-1/ahu-1"),
    config: { instance: 1001, address: { host: "127.0.0.1", port: Number(PORT) } },
    points: [{ point, address: { objectType: "analog-value", instance: 1 }, writable: true }],
  },
]);
await online.promise;
// it would be given back by itself soon, were it not for the end of the process
const result = await driver.write({ point, value: 25, priority: 8, leaseMs: 2500 }, never);
process.send?.(result);
