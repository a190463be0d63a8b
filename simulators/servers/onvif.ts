import type { Logger } from "#core/logger.ts";
import type { SimulatedCamera } from "../devices/camera.ts";
import type { SimulatedDoorController } from "../devices/door-controller.ts";
import { accessService, credentialService } from "./onvif/access-service.ts";
import { cameraEvents } from "./onvif/camera-topics.ts";
import { endpointOf } from "./onvif/discovery.ts";
import { doorService } from "./onvif/door-service.ts";
import { doorEvents } from "./onvif/door-topics.ts";
import { type HostContext, OnvifHost } from "./onvif/host.ts";
import { imagingService } from "./onvif/imaging-service.ts";
import { ioService, relayOperations } from "./onvif/io-service.ts";
import { type MediaContext, mediaService } from "./onvif/media-service.ts";
import { media2Service } from "./onvif/media2-service.ts";
import type { OnvifServer, OnvifServerOptions } from "./onvif/options.ts";
import { ptzService } from "./onvif/ptz-service.ts";
import { PROFILES, SERVICE_PATHS, type Service, type VideoCodec } from "./onvif/service.ts";

export type { ForcedAnswer, OnvifServer, OnvifServerOptions } from "./onvif/options.ts";

/** How a camera is put on the wire. */
export interface CameraServerOptions extends OnvifServerOptions {
  /** Port of the RTSP server that GetStreamUri names; 554 when absent. */
  readonly rtspPort?: number;
  /** Codec of the main stream, H264 when absent; the sub stream is always H.264. */
  readonly mainCodec?: VideoCodec;
}

/** A camera on the wire. */
export type CameraServer = OnvifServer;

/** How an access controller is put on the wire. */
export interface DoorControllerServerOptions extends OnvifServerOptions {
  /** Entries of one answer at most (MaxLimit); 100 when absent. */
  readonly maxLimit?: number;
}

const scope = (category: string, value: string): string =>
  `onvif://www.onvif.org/${category}/${encodeURIComponent(value)}`;

/** Puts a camera on the wire: device, media, media2, PTZ, imaging, DeviceIO and event service, and snapshots by HTTP. */
export async function serveCamera(
  camera: SimulatedCamera,
  options: CameraServerOptions,
  logger: Logger,
): Promise<CameraServer> {
  const serialNumber = options.serialNumber ?? `SIM-${camera.id}`;
  const model = camera.ptz ? "Simulated PTZ" : "Simulated Fixed";
  const services = ({ faults, deviceNow, hostName }: HostContext): readonly Service[] => {
    const media: MediaContext = {
      camera,
      streamUrl: ({ name }) => `rtsp://${hostName("media")}:${options.rtspPort ?? 554}/${camera.id}/${name}`,
      codecOf: ({ name }) =>
        name === "main" && (options.mainCodec === "H265" || faults.has("h265-main")) ? "H265" : "H264",
    };
    return [
      mediaService(media),
      media2Service(media),
      ...(camera.ptz ? [ptzService(camera, deviceNow)] : []),
      imagingService(camera),
      ioService(camera),
    ];
  };
  const host = new OnvifHost(
    {
      id: camera.id,
      facts: {
        model,
        serialNumber,
        endpoint: endpointOf(serialNumber),
        types: "dn:NetworkVideoTransmitter tds:Device",
        scopes: [
          scope("type", "video_encoder"),
          ...["Streaming", "T"].map((profile) => scope("Profile", profile)),
          ...(camera.ptz ? [scope("type", "ptz")] : []),
          scope("name", camera.nameEn),
          scope("hardware", model.replace(" ", "")),
        ],
      },
      events: cameraEvents(camera),
      faultScope: { camera: true, doors: false },
      relays: relayOperations(camera),
      services,
      picture: (path) =>
        PROFILES.some(({ token }) => path === `${SERVICE_PATHS.snapshot}/${token}.jpg`) ? camera.picture() : undefined,
    },
    options,
    logger,
  );
  await host.open();
  return host;
}

/** Puts an access controller on the wire: device, access control, door control, credential and event service. [ONVIF Profile C] */
export async function serveDoorController(
  controller: SimulatedDoorController,
  options: DoorControllerServerOptions,
  logger: Logger,
): Promise<OnvifServer> {
  const serialNumber = options.serialNumber ?? `SIM-${controller.id}`;
  const maxLimit = options.maxLimit ?? 100;
  const host = new OnvifHost(
    {
      id: controller.id,
      facts: {
        model: "Simulated Door Controller",
        serialNumber,
        endpoint: endpointOf(serialNumber),
        types: "tds:Device",
        scopes: [scope("Profile", "C"), scope("name", controller.nameEn), scope("hardware", "SimulatedDoorController")],
      },
      events: doorEvents(controller),
      faultScope: { camera: false, doors: true },
      services: ({ faults }) => [
        accessService(controller, maxLimit),
        doorService(controller, faults, maxLimit),
        credentialService(controller, maxLimit),
      ],
      picture: () => undefined,
    },
    options,
    logger,
  );
  await host.open();
  return host;
}
