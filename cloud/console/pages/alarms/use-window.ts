import { type RefObject, useCallback, useLayoutEffect, useState } from "react";
import { rowsInSight, scrollTo } from "../../live/row-window.ts";

/** The rows of a list that need to exist, all of one height, and the way to a row that is not in sight. */
export function useWindow(viewport: RefObject<HTMLElement | null>, count: number, rowPx: number) {
  const [{ top, height }, setSight] = useState({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const element = viewport.current;
    if (element === null) return undefined;
    // By whole rows: what moves less draws nothing anew.
    const look = (): void => {
      const next = { top: Math.floor(element.scrollTop / rowPx), height: element.clientHeight };
      setSight((old) => (old.top === next.top && old.height === next.height ? old : next));
    };
    look();
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [viewport, rowPx]);
  const reveal = useCallback(
    (index: number, headPx: number): void => {
      const element = viewport.current;
      if (element === null) return;
      const { scrollTop, clientHeight } = element;
      const to = scrollTo({ scrollTop, height: clientHeight, rowPx }, index, headPx);
      if (to !== undefined) element.scrollTop = to;
    },
    [viewport, rowPx],
  );
  return { range: rowsInSight({ scrollTop: top * rowPx, height, rowPx }, count), reveal };
}
