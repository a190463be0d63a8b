/** Every kind of simulated device, one line each: add yours here. */
export { type Ahu, createAhu } from "./ahu.ts";
export { createBurglarPanel } from "./burglar-panel.ts";
export { createCamera, type SimulatedCamera } from "./camera.ts";
export { type ChillerPlant, createChillerPlant } from "./chiller-plant.ts";
export { createDoorController, type SimulatedDoorController } from "./door-controller.ts";
export { createElectricityMeter } from "./electricity-meter.ts";
export { createFirePanel, FIRE_ZONES, type FirePanel } from "./fire-panel.ts";
export { createLift, type Lift } from "./lift.ts";
export { createPerimeterPanel } from "./perimeter-panel.ts";
export { createPowerMeter, type PowerMeter } from "./power-meter.ts";
export { createPumpStation, type PumpStation } from "./pump-station.ts";
export { createStreetLighting, type StreetLighting } from "./street-lighting.ts";
export { createVavController, type VavController } from "./vav-controller.ts";
export { createWaterMeter, createWaterMeters } from "./water-meter.ts";
