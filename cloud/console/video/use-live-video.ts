import { type RefObject, useEffect, useState } from "react";
import { systemClock } from "#core/clock.ts";
import { Cell } from "../live/cell.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import {
  browserDecoder,
  CanvasScreen,
  type DrawnPicture,
  decodeJpeg,
  fetchSnapshot,
  openVideoSocket,
  type VideoQuality,
} from "./browser-video.ts";
import { IDLE, LiveVideo, type VideoState } from "./live-video.ts";

const NOTHING = new Cell<VideoState>(IDLE);

/** Plays a camera on a canvas as long as the component is shown and the page is seen. */
export function useLiveVideo(
  canvas: RefObject<HTMLCanvasElement | null>,
  camera: string,
  quality: VideoQuality,
): VideoState {
  const { session } = useServices();
  const [video, setVideo] = useState<LiveVideo<DrawnPicture>>();
  useEffect(() => {
    if (canvas.current === null) return undefined;
    const screen = new CanvasScreen(canvas.current);
    const live = new LiveVideo<DrawnPicture>({
      clock: systemClock,
      random: Math.random,
      screen,
      openSocket: (events) => openVideoSocket(camera, quality, events),
      openDecoder: browserDecoder(),
      decodeJpeg,
      fetchSnapshot: (signal) => fetchSnapshot(camera, signal),
      onSessionEnded: () => session.ended(),
    });
    const seen = (): void => {
      if (document.hidden) live.pause();
      else live.play();
    };
    document.addEventListener("visibilitychange", seen);
    seen();
    setVideo(live);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      live.close();
      screen.close();
    };
  }, [canvas, camera, quality, session]);
  return useCell(video?.state ?? NOTHING);
}
