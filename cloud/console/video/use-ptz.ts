import { App } from "antd";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { systemClock } from "#core/clock.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import { followCommand } from "../api/command-follow.ts";
import { codeText, errorText } from "../api/error-text.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";
import { PtzDrive } from "./ptz-drive.ts";
import { atSpeed, directionOf, isPtzKey } from "./ptz-keys.ts";

/** May the user turn cameras somewhere? */
export function useMayTurn(): boolean {
  const { session } = useServices();
  const state = useCell(session.state);
  return state.is === "in" && state.permissions.has("command.action");
}

/** A movement that a newer one has taken the place of did not fail. */
const SUPERSEDED = "ONVIF_PTZ_SUPERSEDED";

/** Drives a camera; undefined drives none. It is stopped when the component goes or another camera comes. */
export function usePtzDrive(camera: string | undefined): PtzDrive | undefined {
  const { api } = useServices();
  const { message } = App.useApp();
  const { t } = useTranslation();
  const tell = useRef<(text: string) => void>(() => undefined);
  tell.current = (text) => void message.error({ key: "ptz", content: text });
  const words = useRef(t);
  words.current = t;
  const watching = useRef(false);
  /** What became of a movement; while one is looked after the next are not. */
  const watch = useCallback(
    async (first: CommandView): Promise<void> => {
      if (watching.current) return;
      watching.current = true;
      try {
        const { ask, clock } = { ask: api.command, clock: systemClock };
        const ended = await followCommand({ request: async () => first, ask, clock, onState: () => undefined });
        const failed = ended.status === "failed" || ended.status === "rejected" || ended.status === "timeout";
        if (failed && ended.code !== SUPERSEDED)
          tell.current(
            ended.code === undefined ? words.current("write.status.failed") : codeText(ended.code, words.current),
          );
      } finally {
        watching.current = false;
      }
    },
    [api],
  );
  const drive = useMemo(
    () =>
      camera === undefined
        ? undefined
        : new PtzDrive({
            clock: systemClock,
            send: async (request) => void watch(await api.turnCamera(camera, request)),
            onFailure: (error) => tell.current(errorText(error, words.current)),
          }),
    [api, camera, watch],
  );
  useEffect(() => () => drive?.release(), [drive]);
  return drive;
}

/** Handlers of an element whose arrow keys turn a camera, and whose + and - zoom. */
export function usePtzKeys(drive: PtzDrive | undefined, speed: number) {
  const held = useRef(new Set<string>());
  const turn = useCallback((): void => {
    const direction = directionOf(held.current);
    if (direction === undefined) drive?.release();
    else drive?.hold(atSpeed(direction, speed));
  }, [drive, speed]);
  const release = useCallback((): void => {
    if (held.current.size === 0) return;
    held.current.clear();
    turn();
  }, [turn]);
  // A key that is let go elsewhere is not told here.
  useEffect(() => {
    window.addEventListener("blur", release);
    return () => {
      window.removeEventListener("blur", release);
      release();
    };
  }, [release]);
  return {
    onKeyDown: (event: KeyboardEvent): void => {
      if (drive === undefined || event.altKey || event.ctrlKey || event.metaKey || !isPtzKey(event.key)) return;
      event.preventDefault();
      if (held.current.has(event.key)) return;
      held.current.add(event.key);
      turn();
    },
    onKeyUp: (event: KeyboardEvent): void => {
      if (held.current.delete(event.key)) turn();
    },
    onBlur: release,
  };
}
