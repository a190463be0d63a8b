import { type RefObject, useEffect } from "react";

/** Half of a blink: one blink a second, far below the three that are allowed. [WCAG 2.3.1, HM-03] */
const HALF_MS = 500;

/**
 * Lets the symbols of unacknowledged alarms below an element blink, all in step. Turned off where a person wants no motion. It
 * changes one attribute twice a second and draws nothing anew by itself.
 */
export function useBlink(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let dark = false;
    const timer = setInterval(() => {
      dark = !dark && !still.matches;
      element.current?.toggleAttribute("data-dark", dark);
    }, HALF_MS);
    return () => clearInterval(timer);
  }, [element]);
}
