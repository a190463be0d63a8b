import { useEffect } from "react";
import { asksForAttention } from "../live/alarm-order.ts";
import { addressOf } from "../router.ts";
import { useServices } from "../services-context.ts";

/** Keys that work on every page: Alt+J to the most important alarm, Alt+M silences. */
export function AlarmKeys() {
  const { alarms, router, sound } = useServices();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      // By place on the keyboard: with Alt some systems write other letters.
      if (event.code === "KeyM") sound.silence();
      else if (event.code === "KeyJ") {
        const first = alarms.items()[0];
        const wanted = first !== undefined && asksForAttention(first) ? first.id : undefined;
        router.go(addressOf("/alarms", { alarm: wanted }));
        document.getElementById("alarm-grid")?.focus({ preventScroll: true });
      } else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [alarms, router, sound]);
  return null;
}
