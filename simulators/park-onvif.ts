import { CameraView } from "./device-view.ts";
import { DoorControllerView } from "./door-view.ts";
import { FIELD_USER } from "./kept-files.ts";
import type { NetworkDeps, NetworkDevice } from "./network-device.ts";
import type { ParkDevices } from "./park-devices.ts";
import { serveCamera, serveDoorController } from "./servers/onvif.ts";
import { serveVideo } from "./servers/rtsp.ts";

/** Puts cameras with their video, and the door controller, on ONVIF and RTSP; each is added to `opened` as soon as it is up. */
export async function openOnvif(
  { cameras, doors }: Pick<ParkDevices, "cameras" | "doors">,
  deps: NetworkDeps,
  opened: NetworkDevice[],
): Promise<void> {
  const { clock, logger, ports, recorder, secrets } = deps;
  const now = (): number => clock.now();
  for (const camera of cameras) {
    const view = new CameraView(camera, recorder, now);
    const user = { username: FIELD_USER, password: secrets["demo-camera"], clock };
    const video = await ports.open(
      `${camera.id}-video`,
      (port) => serveVideo(view, { ...user, port }, logger),
      ({ address }) => address.port,
    );
    try {
      const server = await ports.open(
        camera.id,
        (port) => serveCamera(view, { ...user, port, rtspPort: video.address.port }, logger),
        ({ address }) => address.port,
      );
      opened.push({ view, protocol: "onvif", server, others: [video] });
    } catch (error) {
      await video.close();
      throw error;
    }
  }
  const view = new DoorControllerView(doors, recorder, now);
  const server = await ports.open(
    doors.id,
    (port) => serveDoorController(view, { username: FIELD_USER, password: secrets["demo-doors"], port, clock }, logger),
    ({ address }) => address.port,
  );
  opened.push({ view, protocol: "onvif", server });
}
