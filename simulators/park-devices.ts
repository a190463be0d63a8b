import { type CameraOptions, type CameraPreset, createCamera, type SimulatedCamera } from "./devices/camera.ts";
import {
  type Ahu,
  createAhu,
  createChillerPlant,
  createElectricityMeter,
  createPerimeterPanel,
  createPowerMeter,
  createStreetLighting,
  createVavController,
  type PowerMeter,
  type StreetLighting,
  type VavController,
} from "./devices/index.ts";
import { surroundingsAt } from "./devices/physics.ts";
import type { SignalDevice } from "./devices/signal-device.ts";

/** Every device of the demo park, wired to each other but not yet to a network. */
export interface ParkDevices {
  readonly bacnet: readonly SignalDevice[];
  readonly panel: SignalDevice;
  readonly lighting: StreetLighting;
  readonly powerMeters: readonly PowerMeter[];
  readonly cameras: readonly SimulatedCamera[];
  /** What devices do to each other without a wire: lamps light the scenes that cameras see. */
  couple(): void;
}

/** Zones that each PTZ camera can turn to, with a preset for each. */
export const CAMERA_ZONES: Readonly<Record<string, readonly number[]>> = {
  "cam-1": [1, 2, 7, 8],
  "cam-3": [3, 4, 5, 6],
};
/** Lighting circuit in the picture of each fixed camera. */
const CAMERA_CIRCUIT: Readonly<Record<string, string>> = { "cam-2": "circuit-4-status", "cam-4": "circuit-3-status" };

const HOME: CameraPreset = { token: "home", name: "全景", pan: 0, tilt: -10, zoom: 1 };

function presetsOf(camera: string): readonly CameraPreset[] {
  const zones = (CAMERA_ZONES[camera] ?? []).map((zone, index) => ({
    token: `zone-${zone}`,
    name: `${zone} 号防区`,
    pan: -135 + 90 * index,
    tilt: -15 - 2 * index,
    zoom: 4 + index,
  }));
  return [HOME, ...zones];
}

const CAMERAS: readonly Omit<CameraOptions, "presets">[] = [
  { id: "cam-1", name: "北围墙球机", nameEn: "North wall dome", ptz: true, home: HOME },
  { id: "cam-2", name: "大门枪机", nameEn: "Main gate camera", ptz: false },
  { id: "cam-3", name: "南围墙球机", nameEn: "South wall dome", ptz: true, home: HOME },
  { id: "cam-4", name: "停车场枪机", nameEn: "Car park camera", ptz: false },
];

/** Offices: base load and people, kW. */
function officeKw(nowMs: number, baseKw: number, peopleKw: number): number {
  return baseKw + peopleKw * surroundingsAt(nowMs).occupancy;
}

/** Builds the devices of the demo park. The same seed and clock give the same park. */
export function buildDevices(seed: number, now: () => number): ParkDevices {
  const vavA: VavController = createVavController({
    id: "vav-controller-1",
    name: "A 座末端控制器",
    nameEn: "Building A VAV controller",
    seed,
    supplyAir: () => ahuA.supplyAir(),
  });
  const vavB: VavController = createVavController({
    id: "vav-controller-2",
    name: "B 座末端控制器",
    nameEn: "Building B VAV controller",
    seed,
    supplyAir: () => ahuB.supplyAir(),
  });
  const plant = createChillerPlant({
    id: "chiller-plant",
    name: "冷冻机房",
    nameEn: "Chiller plant",
    seed,
    coolingLoadKw: () => ahuA.coolingKw() + ahuB.coolingKw(),
  });
  const chilledWater = (): number => plant.supplyTemperature();
  const ahuA: Ahu = createAhu({
    id: "ahu-1",
    name: "A 座空调机组",
    nameEn: "Building A air handling unit",
    seed,
    chilledWater,
    returnAir: () => vavA.returnAir(),
    filterDustPa: 60,
  });
  const ahuB: Ahu = createAhu({
    id: "ahu-2",
    name: "B 座空调机组",
    nameEn: "Building B air handling unit",
    seed,
    chilledWater,
    returnAir: () => vavB.returnAir(),
    filterDustPa: 95,
  });
  const panel = createPerimeterPanel({
    id: "perimeter-panel",
    name: "周界报警主机",
    nameEn: "Perimeter alarm panel",
    seed,
  });
  const lighting = createStreetLighting({ id: "street-lighting", name: "室外照明", nameEn: "Street lighting", seed });
  const powerMeters = feeders(seed, lighting);
  const [, , lifts, servers] = powerMeters;
  const meterA = createElectricityMeter({
    id: "electricity-meter-1",
    name: "A 座总电表",
    nameEn: "Building A main meter",
    seed,
    loadKw: () => officeKw(now(), 22, 85) + ahuA.powerKw() + (lifts?.powerKw() ?? 0),
    overloadKw: 200,
    energyKwh: 182_400,
  });
  const meterB = createElectricityMeter({
    id: "electricity-meter-2",
    name: "B 座总电表",
    nameEn: "Building B main meter",
    seed,
    loadKw: () => officeKw(now(), 18, 60) + ahuB.powerKw() + plant.powerKw() + (servers?.powerKw() ?? 0),
    overloadKw: 320,
    energyKwh: 241_950,
  });
  const cameras = CAMERAS.map((camera) => createCamera({ ...camera, presets: presetsOf(camera.id) }));
  return {
    bacnet: [ahuA, ahuB, vavA, vavB, plant, meterA, meterB],
    panel,
    lighting,
    powerMeters,
    cameras,
    couple: () => {
      for (const camera of cameras) camera.write("light", lit(camera, lighting));
    },
  };
}

function feeders(seed: number, lighting: StreetLighting): readonly PowerMeter[] {
  return [
    createPowerMeter({
      id: "power-meter-1",
      name: "室外照明电表",
      nameEn: "Street lighting meter",
      seed,
      loadKw: () => 0.4 + lighting.powerKw(),
      overloadKw: 25,
      energyKwh: 41_310,
    }),
    createPowerMeter({
      id: "power-meter-2",
      name: "充电桩电表",
      nameEn: "Charging point meter",
      seed,
      loadKw: ({ occupancy }) => 3 + 34 * occupancy,
      overloadKw: 60,
      energyKwh: 88_270,
    }),
    createPowerMeter({
      id: "power-meter-3",
      name: "A 座电梯电表",
      nameEn: "Building A lift meter",
      seed,
      loadKw: ({ occupancy }) => 1.5 + 16 * occupancy,
      overloadKw: 40,
      energyKwh: 27_640,
    }),
    createPowerMeter({
      id: "power-meter-4",
      name: "数据机房电表",
      nameEn: "Server room meter",
      seed,
      loadKw: ({ outdoorTemperature }) => 28 + 0.3 * Math.max(0, outdoorTemperature - 20),
      overloadKw: 50,
      energyKwh: 196_500,
    }),
  ];
}

/** A PTZ camera sees the light of the zone it looks at, from its home position that of any; a fixed one the circuit before it. */
function lit(camera: SimulatedCamera, lighting: StreetLighting): boolean {
  const circuit = CAMERA_CIRCUIT[camera.id];
  if (circuit !== undefined) return lighting.read(circuit) === true;
  const zones = CAMERA_ZONES[camera.id] ?? [];
  const watched = /^zone-(\d)$/.exec(String(camera.read("preset")))?.[1];
  return watched === undefined ? zones.some((zone) => lighting.zoneLit(zone)) : lighting.zoneLit(Number(watched));
}
