import type { Translate } from "../../i18n/index.ts";

/** What core/linkage/placement.ts says, in the language shown; a reason that is not known is shown as it came. */
export function placementText(because: string, t: Translate): string {
  const owned = /^all inputs and outputs belong to (.+)$/.exec(because)?.[1];
  if (owned !== undefined) return t("rule.place.owned", { gateway: owned.split("/").at(-1) });
  const apart = /^inputs and outputs lie apart: (.+)$/.exec(because)?.[1];
  if (apart !== undefined) return t("rule.place.apart", { list: apart.replaceAll(" on ", " → ") });
  const unowned = /^no gateway owns (.+)$/.exec(because)?.[1];
  if (unowned !== undefined) return t("rule.place.noOwner", { thing: unowned });
  if (because === "nothing in the site can trigger it") return t("rule.place.noTrigger");
  return because === "not placed" ? t("rule.place.unplaced") : because;
}
