/** Every kind of simulated device, one line each: add yours here. */
export { type Ahu, createAhu } from "./ahu.ts";
export { createCamera, type SimulatedCamera } from "./camera.ts";
export { type ChillerPlant, createChillerPlant } from "./chiller-plant.ts";
export { createElectricityMeter } from "./electricity-meter.ts";
export { createPerimeterPanel } from "./perimeter-panel.ts";
export { createPowerMeter, type PowerMeter } from "./power-meter.ts";
export { createStreetLighting, type StreetLighting } from "./street-lighting.ts";
export { createVavController, type VavController } from "./vav-controller.ts";
