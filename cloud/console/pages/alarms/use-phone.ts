import { useSyncExternalStore } from "react";

const narrow = matchMedia("(max-width: 480px)");

const subscribe = (listener: () => void): (() => void) => {
  narrow.addEventListener("change", listener);
  return () => narrow.removeEventListener("change", listener);
};

/** Is it as narrow as a guard's phone? */
export function usePhone(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}
