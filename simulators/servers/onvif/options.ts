import type { Clock } from "#core/clock.ts";
import type { FaultMenu, FieldServer } from "../../device.ts";
import type { DiscoveryOptions } from "./discovery.ts";
import type { Credentials } from "./security.ts";

/** How an ONVIF device is put on the wire. */
export interface OnvifServerOptions extends Credentials {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Told by GetDeviceInformation; `SIM-<id>` when absent. */
  readonly serialNumber?: string;
  /** The device's clock runs ahead of ours by so much, ms; 0 when absent. */
  readonly clockOffsetMs?: number;
  /** Accepts HTTP digest only and no UsernameToken, like a camera of Profile T. */
  readonly httpDigestOnly?: boolean;
  /** Speaks HTTPS with a certificate it makes for itself. */
  readonly tls?: boolean;
  /** Lets itself be found by WS-Discovery; silent when absent. */
  readonly discovery?: DiscoveryOptions;
  readonly clock?: Clock;
}

/** An HTTP answer given instead of the proper one. */
export interface ForcedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** An ONVIF device on the wire, and what can be done to it. */
export interface OnvifServer extends FieldServer {
  readonly faults: FaultMenu;
  /** `http://host:port/onvif/device_service` */
  readonly url: string;
  /** Event subscriptions alive. */
  readonly subscriptions: number;
  /** Requests answered or swallowed since the start, by operation; `snapshot` for pictures, `leak` for what a trap has led to. */
  readonly requests: ReadonlyMap<string, number>;
  /** Where a probe for this device alone goes, UDP; absent where it is not discoverable. */
  readonly discoveryAddress: { readonly host: string; readonly port: number } | undefined;
  /** SHA-256 of the certificate, hex in capitals with colons; absent without TLS. */
  readonly fingerprint: string | undefined;
  /** Forgets every subscription without telling. */
  dropSubscriptions(): void;
  /** Sets how far the device's clock runs ahead of ours, ms. */
  setClockOffset(offsetMs: number): void;
  /** From now on answers the operation like this; with undefined properly again. */
  force(operation: string, answer: ForcedAnswer | undefined): void;
}
