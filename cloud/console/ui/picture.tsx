import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

/** The picture may be told of before its bytes are here: asked again after so long, ms. */
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000] as const;

/** A picture kept with an alarm, asked for again while it is on its way from the gateway. */
export function Picture({ url, alt }: { readonly url: string; readonly alt: string }) {
  const { t } = useTranslation();
  const [failures, setFailures] = useState({ url, count: 0, waiting: false });
  const current = failures.url === url ? failures : { url, count: 0, waiting: false };
  const delayMs = RETRY_MS[current.count - 1];
  useEffect(() => {
    if (!current.waiting || delayMs === undefined) return undefined;
    const timer = setTimeout(() => setFailures({ url, count: current.count, waiting: false }), delayMs);
    return () => clearTimeout(timer);
  }, [url, current.waiting, current.count, delayMs]);
  if (current.waiting)
    return (
      <span className="soft">
        {t(delayMs === undefined ? "alarm.detail.pictureFailed" : "alarm.detail.pictureComing")}
      </span>
    );
  return (
    <img
      src={url}
      alt={alt}
      decoding="async"
      onError={() => setFailures({ url, count: current.count + 1, waiting: true })}
    />
  );
}
