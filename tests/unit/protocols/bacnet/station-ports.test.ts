import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { type BacnetStation, openStation, type StationOptions } from "#protocols/bacnet/station/station.ts";

const HOST = "127.0.0.1";

describe("the ports of a BACnet station", () => {
  const open: BacnetStation[] = [];
  afterEach(async () => {
    for (const station of open.splice(0)) await station.close();
  });

  async function begin(options: StationOptions): Promise<BacnetStation> {
    const handlers = { announced: () => {}, asked: () => ({ kind: "silence" }) as const };
    const station = await openStation(options, { logger: silentLogger, handlers });
    open.push(station);
    return station;
  }

  it("are free ones where none is named", async () => {
    const station = await begin({
      interfaces: [
        { host: HOST, port: 0 },
        { host: HOST, port: 0 },
      ],
    });
    const ports = station.endpoints.map(({ port }) => port);
    expect(new Set(ports).size).toBe(2);
    expect(ports).not.toContain(0);
  });

  it("fail by their name when one is taken, and let go of the others", async () => {
    const first = await begin({ interfaces: [{ host: HOST, port: 0 }] });
    const free = await begin({ interfaces: [{ host: HOST, port: 0 }] });
    const freePort = free.endpoints[0]?.port ?? 0;
    await free.close();
    const taken = first.endpoints[0]?.port ?? 0;
    const both = {
      interfaces: [
        { host: HOST, port: freePort },
        { host: HOST, port: taken },
      ],
    };
    const refused = { code: "BACNET_BIND_FAILED", message: `cannot bind UDP ${HOST}:${taken}`, retriable: true };
    await expect(begin(both)).rejects.toMatchObject(refused);
    expect((await begin({ interfaces: [{ host: HOST, port: freePort }] })).endpoints).toHaveLength(1);
  });

  it("may be shared by several where that is said", async () => {
    const first = await begin({ interfaces: [{ host: HOST, port: 0, shared: true }] });
    const port = first.endpoints[0]?.port ?? 0;
    expect((await begin({ interfaces: [{ host: HOST, port, shared: true }] })).endpoints).toEqual([
      { host: HOST, port },
    ]);
  });

  it("go on without broadcasts where the system does not give the broadcast address", async () => {
    const broadcast = { host: "203.0.113.255", port: 47_808 };
    expect((await begin({ interfaces: [{ host: HOST, port: 0, broadcast }] })).endpoints).toHaveLength(1);
  });

  it("of a BBMD must name its own address", async () => {
    const options = { interfaces: [{ host: "0.0.0.0", port: 0 }], bbmd: { peers: [] } };
    await expect(begin(options)).rejects.toMatchObject({ code: "BACNET_BBMD_ADDRESS" });
  });
});
