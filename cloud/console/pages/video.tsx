import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CameraView } from "../api/hub-api.ts";
import { useLoad } from "../api/use-load.ts";
import { useCell } from "../live/hooks.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../ui/states.tsx";
import { SPEEDS, type SpeedName } from "../video/ptz-keys.ts";
import { useMayTurn, usePtzDrive } from "../video/use-ptz.ts";
import { readChoice, tilesOf, type WallChoice, withCamera } from "../video/wall-choice.ts";
import { CameraPanel } from "./video/camera-panel.tsx";
import { VideoTile } from "./video/video-tile.tsx";
import { VideoToolbar } from "./video/video-toolbar.tsx";
import "./video/video.css";

const REMEMBERED = "parkhub.wall";
const FIRST: WallChoice = { size: 4, cameras: [] };

/** The wall of live pictures, and the camera that is chosen on it. */
export default function VideoPage() {
  const { t } = useTranslation();
  const { api } = useServices();
  const cameras = useLoad("cameras", (signal) => api.cameras(signal));
  if (cameras.data === undefined)
    return cameras.loading ? <LoadingState /> : <ErrorState error={cameras.error} onRetry={cameras.reload} />;
  const watched = cameras.data.items.filter(({ video }) => video);
  if (watched.length === 0)
    return <EmptyState icon="video" title={t("video.noCameras")} hint={t("video.noCamerasHint")} />;
  return <Wall cameras={watched} />;
}

/** The choice of this browser, remembered. */
function useChoice(): [WallChoice, (choice: WallChoice) => void] {
  const { memory } = useServices();
  const [choice, setChoice] = useState(() => readChoice(memory.read(REMEMBERED)) ?? FIRST);
  return [
    choice,
    (next) => {
      setChoice(next);
      memory.write(REMEMBERED, JSON.stringify(next));
    },
  ];
}

function Wall({ cameras }: { readonly cameras: readonly CameraView[] }) {
  const { router } = useServices();
  const { query } = useCell(router.place);
  const mayTurn = useMayTurn();
  const [choice, setChoice] = useChoice();
  const [chosen, setChosen] = useState(0);
  const [speed, setSpeed] = useState<SpeedName>("normal");
  const byId = new Map(cameras.map((camera) => [camera.id, camera]));
  const tiles = tilesOf(choice, [...byId.keys()]);
  const large = byId.get(query["camera"] ?? "");
  const current = large ?? byId.get(tiles[chosen] ?? "");
  const drive = usePtzDrive(mayTurn && current?.ptz === true ? current.id : undefined);
  const enlarge = (camera: string): void => router.go(addressOf("/video", { camera }));
  const shrink = (): void => router.go("/video");
  // One large picture is a tile like the others, so that its element stays when it grows.
  const shown = large === undefined ? tiles.map((camera, index) => ({ camera, index })) : [largeTile(tiles, large.id)];
  return (
    <div className="video-desk">
      <section className="video-wall panel">
        <VideoToolbar
          size={choice.size}
          large={large}
          onSize={(size) => {
            setChosen(0);
            setChoice({ ...choice, size });
            if (large !== undefined) shrink();
          }}
          onShrink={shrink}
        />
        <div className={`tiles tiles-${large === undefined ? choice.size : 1}`}>
          {shown.map(({ camera, index }) => (
            <VideoTile
              key={index}
              index={index}
              camera={byId.get(camera)}
              cameras={cameras}
              quality={shown.length === 1 ? "main" : "sub"}
              large={large !== undefined}
              chosen={large !== undefined || index === chosen}
              drive={(large !== undefined || index === chosen) && mayTurn ? drive : undefined}
              speed={SPEEDS[speed]}
              onChoose={() => setChosen(index)}
              onEnlarge={() => (large === undefined ? enlarge(camera) : shrink())}
              onCamera={(id) => {
                if (large === undefined) setChoice(withCamera(choice, tiles, index, id));
                else enlarge(id);
              }}
            />
          ))}
        </div>
      </section>
      <CameraPanel camera={current} drive={drive} mayTurn={mayTurn} speed={speed} onSpeed={setSpeed} />
    </div>
  );
}

function largeTile(tiles: readonly string[], camera: string): { camera: string; index: number } {
  return { camera, index: Math.max(0, tiles.indexOf(camera)) };
}
