import path from "node:path";
import { DeviceView } from "./device-view.ts";
import { FIRE_ZONES } from "./devices/index.ts";
import { FIELD_USER } from "./kept-files.ts";
import type { NetworkDeps, NetworkDevice } from "./network-device.ts";
import type { ParkDevices } from "./park-devices.ts";
import { OpcuaEngine, type OpcuaMapping, serveOpcua } from "./servers/opcua.ts";

/** Names of the park's OPC UA servers, each with the ids of its devices: a fire panel stands alone. */
export const OPCUA_SERVERS = {
  "fire-panel": ["fire-panel"],
  "building-services": ["lift-1", "lift-2", "pump-station"],
} as const;
/** Name of one of the park's OPC UA servers. */
export type OpcuaServerName = keyof typeof OPCUA_SERVERS;

const FIRE_PANEL: OpcuaMapping = {
  conditions: [
    ...FIRE_ZONES.flatMap(({ id }) => [
      { signal: `zone-${id}-fire`, severity: 950, conditionClass: "SafetyConditionClassType" as const },
      { signal: `zone-${id}-fault`, severity: 700, conditionClass: "SystemConditionClassType" as const },
      { signal: `zone-${id}-disabled`, severity: 300, conditionClass: "MaintenanceConditionClassType" as const },
    ]),
    { signal: "mains-fault", severity: 700, conditionClass: "SystemConditionClassType" },
    { signal: "battery-low", severity: 700, conditionClass: "SystemConditionClassType" },
  ],
  methods: [
    { name: "Reset", signal: "reset-command" },
    { name: "Silence", signal: "silence-command" },
  ],
};
const LIFT: OpcuaMapping = {
  methods: [{ name: "CallToFloor", signal: "call-floor", argument: { name: "Floor", dataType: "UInt16" } }],
};
const PUMP_STATION: OpcuaMapping = { history: ["discharge-pressure", "flow", "tank-level"] };

/** How each device of the park is shown on OPC UA. */
export const OPCUA_MAPPINGS: Readonly<Record<string, OpcuaMapping>> = {
  "fire-panel": FIRE_PANEL,
  "lift-1": LIFT,
  "lift-2": LIFT,
  "pump-station": PUMP_STATION,
};

/** Puts fire panel, lifts and pumps on OPC UA; each is added to `opened` as soon as its server is up. */
export async function openOpcua(
  { firePanel, lifts, pumpStation }: Pick<ParkDevices, "firePanel" | "lifts" | "pumpStation">,
  deps: NetworkDeps,
  opened: NetworkDevice[],
): Promise<void> {
  const { clock, dataDir, logger, ports, recorder, secrets } = deps;
  const engine = new OpcuaEngine(logger);
  for (const [name, devices] of [
    ["fire-panel", [firePanel]],
    ["building-services", [...lifts, pumpStation]],
  ] as const) {
    const views = devices.map((device) => new DeviceView(device, recorder, () => clock.now()));
    const served = views.map((view) => ({ device: view, mapping: OPCUA_MAPPINGS[view.id] ?? {} }));
    const server = await ports.open(
      name,
      (port) =>
        serveOpcua(
          served,
          {
            name,
            engine,
            port,
            folder: path.join(dataDir, "sim-opcua", name),
            username: FIELD_USER,
            password: secrets["demo-opcua"],
            onAct: (device, detail) => recorder.note({ type: "action", device, detail }),
            clock,
          },
          logger,
        ),
      ({ address }) => address.port,
    );
    ports.addThumbprint(name, server.thumbprint);
    opened.push(...views.map((view) => ({ view, protocol: "opcua" as const, server })));
  }
}
