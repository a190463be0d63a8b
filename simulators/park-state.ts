import type { SignalValue } from "./device.ts";
import { CameraView } from "./device-view.ts";
import type { NetworkDevice } from "./network-device.ts";
import type { Recorder } from "./recorder.ts";
import type { RelayCounters } from "./relay.ts";
import type { ScenarioRun } from "./scenario-runner.ts";

/** What one simulated device holds. Times are Unix ms. */
export interface DeviceState {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly protocol: string;
  readonly port: number;
  readonly instance?: number;
  readonly unitId?: number;
  /** Its cable is cut. */
  readonly silent: boolean;
  readonly signals: Readonly<
    Record<string, { readonly value: SignalValue; readonly since?: number; readonly held?: true }>
  >;
  /** Last write of each signal that came over the wire; null: relinquished. */
  readonly written: Readonly<
    Record<string, { readonly value: SignalValue | null; readonly at: number; readonly count: number }>
  >;
  /** BACnet priority arrays of the commandable signals, priority 1 first. [BACnet 19.2] */
  readonly priorityArrays?: Readonly<Record<string, readonly (SignalValue | null)[]>>;
  /** Of a PTZ camera: where it looks (degrees, zoom factor) and at which preset it stands ("" between presets). */
  readonly ptz?: {
    readonly pan: number;
    readonly tilt: number;
    readonly zoom: number;
    readonly preset: string;
    readonly moving: boolean;
    readonly presets: readonly string[];
  };
}

/** What the whole simulated field holds. */
export interface ParkState {
  readonly at: number;
  /** Newest line of the log, for `GET /log?since=`. */
  readonly seq: number;
  readonly devices: Readonly<Record<string, DeviceState>>;
  readonly relay: RelayCounters & { readonly cut: string | null };
  readonly scenarios: readonly ScenarioRun[];
}

/** State of one device on its network. */
export function stateOf(entry: NetworkDevice, recorder: Recorder, silent: boolean): DeviceState {
  const { view } = entry;
  const priorityArrays = entry.priorityArrays?.();
  return {
    id: view.id,
    name: view.name,
    nameEn: view.nameEn,
    protocol: entry.protocol,
    port: entry.server.address.port,
    ...(entry.instance === undefined ? {} : { instance: entry.instance }),
    ...(entry.unitId === undefined ? {} : { unitId: entry.unitId }),
    silent,
    signals: Object.fromEntries(
      view.signals.map(({ name }) => {
        const since = recorder.since(view.id, name);
        const held = view.held.has(name) ? ({ held: true } as const) : {};
        return [name, { value: view.read(name), ...(since === undefined ? {} : { since }), ...held }];
      }),
    ),
    written: Object.fromEntries(view.written),
    ...(priorityArrays === undefined ? {} : { priorityArrays }),
    ...(view instanceof CameraView && view.ptz ? { ptz: ptzOf(view) } : {}),
  };
}

function ptzOf(camera: CameraView): NonNullable<DeviceState["ptz"]> {
  return {
    pan: Number(camera.read("pan")),
    tilt: Number(camera.read("tilt")),
    zoom: Number(camera.read("zoom")),
    preset: String(camera.read("preset")),
    moving: camera.read("moving") === true,
    presets: camera.presets.map(({ token }) => token),
  };
}
