import { once } from "node:events";
import { createConnection, createServer, type Server } from "node:net";
import { siaDc09 } from "#protocols/sia-dc09/index.ts";
import { freePort } from "#tests/free-port.ts";
import { type ContractField, driverContract } from "./driver-contract.ts";
import { dialling, KEY_128, panelBinding } from "./sia-dc09-field.ts";

async function setup(): Promise<ContractField> {
  const port = await freePort();
  const config = { port };
  const panels = [
    dialling(port, { account: "1001", key: KEY_128 }),
    dialling(port, { account: "1002", format: "ADM-CID", transport: "udp" }),
  ];
  let blocker: Server | undefined;
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  blocker = taken;
  const address = taken.address();
  const takenPort = address !== null && typeof address === "object" ? address.port : 0;
  const heal = async (): Promise<void> => {
    if (blocker === undefined) return;
    blocker.close();
    await once(blocker, "close");
    blocker = undefined;
    panels.push(dialling(takenPort, { account: "1001", key: KEY_128 }));
    panels.push(dialling(takenPort, { account: "1002", format: "ADM-CID" }));
  };
  const zones = {
    "zone-1-alarm": { signal: "zoneAlarm", zone: "1" },
    "zone-2-alarm": { signal: "zoneAlarm", zone: "2" },
  } as const;
  return {
    config,
    devices: [
      panelBinding("panel-1", { account: "1001", key: KEY_128, supervisionS: 1, graceS: 1 }, zones),
      panelBinding("panel-2", { account: "1002", supervisionS: 60 }, zones),
    ],
    silence: () => panels[0]?.silence(),
    restore: () => panels[0]?.restore(),
    async garbage() {
      const socket = createConnection({ host: "127.0.0.1", port });
      socket.on("error", () => socket.destroy());
      await once(socket, "connect");
      for (let round = 0; round < 50; round++)
        socket.write(Buffer.from(`\n${round}FFFF0029"SIA-DCS\r\n\x00\xff[[[]]]`));
      socket.end();
      await once(socket, "close");
    },
    startFailure: { config: { port: takenPort }, heal },
    async close() {
      await Promise.all(panels.map((panel) => panel.close()));
      if (blocker !== undefined) blocker.close();
    },
  };
}

driverContract(siaDc09, setup, { writes: false, garbage: true, startFailure: true });
