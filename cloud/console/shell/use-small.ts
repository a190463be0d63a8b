import { useSyncExternalStore } from "react";

/** The style sheet of the navigation says the same. */
const small = matchMedia("(max-width: 720px)");

const subscribe = (listener: () => void): (() => void) => {
  small.addEventListener("change", listener);
  return () => small.removeEventListener("change", listener);
};

/** Is there no room for a rail beside the page? */
export function useSmall(): boolean {
  return useSyncExternalStore(subscribe, () => small.matches);
}
