import { type CameraOptions, type CameraPreset, createCamera, type SimulatedCamera } from "./devices/camera.ts";
import type { DoorOptions } from "./devices/door-controller.ts";
import {
  type Ahu,
  createAhu,
  createBurglarPanel,
  createChillerPlant,
  createDoorController,
  createElectricityMeter,
  createFirePanel,
  createLift,
  createPerimeterPanel,
  createPowerMeter,
  createPumpStation,
  createStreetLighting,
  createVavController,
  createWaterMeters,
  type FirePanel,
  type Lift,
  type PowerMeter,
  type PumpStation,
  type SimulatedDoorController,
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
  readonly waterMeters: readonly SignalDevice[];
  readonly firePanel: FirePanel;
  readonly lifts: readonly Lift[];
  readonly pumpStation: PumpStation;
  readonly burglarPanel: SignalDevice;
  readonly doors: SimulatedDoorController;
  readonly cameras: readonly SimulatedCamera[];
  /** What devices do to each other without a wire: lamps light the scenes that cameras see. */
  couple(): void;
}

/** Zones that each PTZ camera can turn to, with a preset for each. */
export const CAMERA_ZONES: Readonly<Record<string, readonly number[]>> = {
  "cam-1": [1, 2, 7, 8],
  "cam-3": [3, 4, 5, 6],
};
/** Doors that each PTZ camera can turn to. */
const CAMERA_DOORS: Readonly<Record<string, readonly number[]>> = { "cam-1": [1], "cam-3": [2, 3] };
/** Lighting circuit in the picture of each fixed camera. */
const CAMERA_CIRCUIT: Readonly<Record<string, string>> = { "cam-2": "circuit-4-status", "cam-4": "circuit-3-status" };

/** Doors of the park. All may be held open: each is on somebody's way out. */
const DOORS: readonly DoorOptions[] = [
  { token: "door-1", name: "A 座大堂门", nameEn: "Building A lobby door" },
  { token: "door-2", name: "B 座大堂门", nameEn: "Building B lobby door" },
  {
    token: "door-3",
    name: "机房门",
    nameEn: "Server room door",
    capabilities: { doubleLock: true },
    timings: { openSeconds: 20 },
  },
];

const HOME: CameraPreset = { token: "home", name: "全景", pan: 0, tilt: -10, zoom: 1 };

function presetsOf(camera: string): readonly CameraPreset[] {
  const zones = (CAMERA_ZONES[camera] ?? []).map((zone, index) => ({
    token: `zone-${zone}`,
    name: `${zone} 号防区`,
    pan: -135 + 90 * index,
    tilt: -15 - 2 * index,
    zoom: 4 + index,
  }));
  const doors = (CAMERA_DOORS[camera] ?? []).map((door, index) => ({
    token: `door-${door}`,
    name: `${door} 号门`,
    pan: -20 + 40 * index,
    tilt: -25,
    zoom: 6,
  }));
  return [HOME, ...zones, ...doors];
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
  const firePanel = createFirePanel({ id: "fire-panel", name: "火灾报警主机", nameEn: "Fire alarm panel", seed });
  const cameras = CAMERAS.map((camera) => createCamera({ ...camera, presets: presetsOf(camera.id) }));
  return {
    bacnet: [ahuA, ahuB, vavA, vavB, plant, meterA, meterB],
    panel,
    lighting,
    powerMeters,
    waterMeters: createWaterMeters(seed),
    firePanel,
    lifts: buildLifts(seed, firePanel),
    pumpStation: createPumpStation({ id: "pump-station", name: "生活水泵房", nameEn: "Domestic water pumps", seed }),
    burglarPanel: createBurglarPanel({
      id: "burglar-panel",
      name: "防盗报警主机",
      nameEn: "Burglar alarm panel",
      seed,
    }),
    doors: createDoorController({
      id: "door-controller",
      name: "门禁控制器",
      nameEn: "Door controller",
      seed,
      doors: DOORS,
    }),
    cameras,
    couple: () => {
      for (const camera of cameras) camera.write("light", lit(camera, lighting));
    },
  };
}

/** One lift in each building; each goes down when its own building burns. */
function buildLifts(seed: number, panel: FirePanel): readonly Lift[] {
  return [
    createLift({
      id: "lift-1",
      name: "A 座电梯",
      nameEn: "Lift building A",
      seed,
      floors: 3,
      fire: () => panel.fireIn("a"),
      trips: 214_600,
    }),
    createLift({
      id: "lift-2",
      name: "B 座电梯",
      nameEn: "Lift building B",
      seed,
      floors: 3,
      fire: () => panel.fireIn("b"),
      trips: 98_350,
    }),
  ];
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
