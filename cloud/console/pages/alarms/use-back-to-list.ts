import { useEffect } from "react";

/** Gives the focus to the alarm list when the dialog is gone: before that the dialog keeps it to itself. */
export function useBackToList(): void {
  useEffect(
    () => () => {
      requestAnimationFrame(() => document.getElementById("alarm-grid")?.focus({ preventScroll: true }));
    },
    [],
  );
}
