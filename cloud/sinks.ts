import type { LaneItem } from "#core/contracts/lanes.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Alarms } from "./alarms/service.ts";
import type { Commands } from "./commands/service.ts";
import type { Certificates } from "./gateways/certificates.ts";
import type { Linkage } from "./linkage/service.ts";
import type { DeviceEvents } from "./notices/device-events.ts";
import type { Notices } from "./notices/service.ts";
import type { IngestSinks } from "./ports.ts";
import type { CurrentState } from "./state/service.ts";

/** The domains that are told by ingest. */
export interface Domains {
  readonly state: CurrentState;
  readonly alarms: Alarms;
  readonly commands: Commands;
  readonly linkage: Linkage;
  readonly notices: Notices;
  readonly deviceEvents: DeviceEvents;
  readonly certificates: Certificates;
  /** Told when a gateway's presence changes. */
  readonly gatewayChanged: (gateway: GatewayId) => void;
}

/** Hands each thing to the domain it belongs to. Part of the composition root: it knows the domains, they know nothing of each other. */
export function sinksOf(domains: Domains): IngestSinks {
  const { state, alarms, commands, linkage, notices, deviceEvents, certificates } = domains;
  const item = (gateway: GatewayId, taken: LaneItem): (() => void) | undefined => {
    switch (taken.kind) {
      case "alarm":
        return alarms.take(gateway, taken);
      case "openAlarms":
        return alarms.takeOpen(gateway, taken);
      case "snapshot":
        return alarms.takeMedia(gateway, taken);
      case "clip": {
        const told = alarms.takeMedia(gateway, taken);
        return () => {
          told();
          if (taken.run !== undefined) linkage.refresh(taken.run);
        };
      }
      case "certificates":
        certificates.take(gateway, taken);
        return undefined;
      case "commandResult": {
        const after = [commands.takeResult(gateway, taken), alarms.takeResult(gateway, taken)];
        return () => {
          for (const tell of after) tell?.();
        };
      }
      case "run":
        return linkage.takeRun(gateway, taken);
      case "notify":
        return notices.take(taken);
      case "deviceEvent":
        return deviceEvents.take(gateway, taken)
          ? linkage.trigger({ type: "deviceEvent", event: taken.event }, taken.event.observedAt)
          : undefined;
      // Ingest itself keeps gaps and applied configurations.
      case "gap":
      case "configApplied":
        return undefined;
      default:
        return taken satisfies never;
    }
  };
  return {
    onBirth(_gateway, samples) {
      state.takeBirth(samples);
      linkage.takeBirth(samples);
    },
    onSamples(columns, from, to) {
      // [Sparkplug 6.4.6 is_historical] Neither takes a historical row: what is told late never changes what is.
      state.takeRows(columns, from, to);
      linkage.takeRows(columns, from, to);
    },
    onItem: item,
    onGatewayOnline(gateway, online, at, reason) {
      alarms.gatewayOnline(gateway, online, at, reason);
      if (online) commands.gatewayOnline(gateway);
      state.gatewayChanged(gateway);
      domains.gatewayChanged(gateway);
    },
    onDeviceDead: (device, at) => state.deviceDead(device, at),
  };
}
