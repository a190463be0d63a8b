import type { AlarmView } from "#core/contracts/http.ts";
import type { AlarmCamera } from "./alarm-camera.ts";
import { AlarmClips } from "./alarm-clips.tsx";
import { AlarmLive } from "./alarm-live.tsx";
import "./alarm-video.css";

/** What was recorded of an alarm, and what its camera sees now. Loaded when there is something of it. */
export default function AlarmVideo(props: { readonly alarm: AlarmView; readonly camera: AlarmCamera | undefined }) {
  const { alarm, camera } = props;
  return (
    <>
      <AlarmClips clips={alarm.clips} />
      {camera !== undefined && <AlarmLive key={`${alarm.id} ${camera.camera}`} camera={camera} />}
    </>
  );
}
