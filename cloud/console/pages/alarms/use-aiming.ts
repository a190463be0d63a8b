import { useCallback, useEffect, useRef, useState } from "react";

/** A pointer that rests so long aims at nothing any more: new alarms must not be held back by a forgotten mouse. */
const REST_MS = 10_000;

/** Is the pointer over the rows and moving now and then? */
export function useAiming() {
  const [aiming, setAiming] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = useCallback(() => {
    clearTimeout(timer.current);
    setAiming(false);
  }, []);
  const move = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setAiming(false), REST_MS);
    setAiming(true);
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  return { aiming, move, stop };
}
