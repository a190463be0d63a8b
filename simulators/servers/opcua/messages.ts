import type { Signal, SignalValue } from "../../device.ts";
import type { OpcuaMapping } from "./mapping.ts";

/** A device as the library's thread knows it. */
export interface DeviceShape {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly signals: readonly Signal[];
}

/** What a server is started with. */
export interface ServerPlan {
  readonly name: string;
  readonly host: string;
  /** Port that clients are told: that of the wire. */
  readonly publicPort: number;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  /** Folder of the certificates of its clients. */
  readonly folder: string;
  readonly username: string;
  readonly password: string;
  readonly devices: readonly { readonly device: DeviceShape; readonly mapping: OpcuaMapping }[];
}

/** One value of one signal. */
export type Told = readonly [device: string, signal: string, value: SignalValue];

/** To the library's thread. `offsetMs`: how far the devices' clock runs ahead of this machine's. */
export type ToServers =
  | { readonly type: "start"; readonly plan: ServerPlan; readonly values: readonly Told[]; readonly offsetMs: number }
  | { readonly type: "values"; readonly server: string; readonly values: readonly Told[]; readonly offsetMs: number }
  /** Status of one signal, or of all when `signal` is empty; without a name they are good again. */
  | { readonly type: "status"; readonly server: string; readonly signal: string; readonly status?: string }
  | { readonly type: "drop"; readonly server: string; readonly what: "sessions" | "subscriptions" }
  | { readonly type: "stop"; readonly server: string };

/** From the library's thread. */
export type FromServers =
  | { readonly type: "started"; readonly server: string; readonly port: number }
  | { readonly type: "failed"; readonly server: string; readonly message: string }
  | { readonly type: "stopped"; readonly server: string }
  | { readonly type: "wrote"; readonly server: string; readonly told: Told }
  | { readonly type: "acted"; readonly server: string; readonly device: string; readonly detail: string }
  | { readonly type: "log"; readonly level: "debug" | "warn"; readonly detail: string };
