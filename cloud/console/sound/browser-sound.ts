import type { SoundSource } from "./sound-player.ts";

/** The browser's sound. It is opened when the page has been used: browsers warn of a page that tries before. */
export const browserSound: SoundSource = {
  available: () => typeof AudioContext !== "undefined",
  open: () => (navigator.userActivation.hasBeenActive ? new AudioContext({ latencyHint: "interactive" }) : undefined),
};

/** Browsers let a page be heard only after a click or a key: each one wakes a sound that is not awake. */
export function unlockByUse(unlock: () => Promise<void>): void {
  const wake = (): void => void unlock();
  for (const kind of ["pointerdown", "pointerup", "keydown"])
    window.addEventListener(kind, wake, { capture: true, passive: true });
}
