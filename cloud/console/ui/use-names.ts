import { useMemo } from "react";
import { spacePath } from "../api/site-names.ts";
import { type Language, named } from "../i18n/language.ts";
import { useCell } from "../live/hooks.ts";
import { useServices } from "../services-context.ts";

/** Names of the site's things in the language shown; an id that is not known is shown itself. */
export interface NamesShown {
  readonly language: Language;
  space(id: string | undefined): string;
  /** The space and what it lies in, without the site: `Building A / Floor 1`. */
  place(id: string | undefined): string;
  zone(id: string | undefined): string;
  /** Of a device id, or of the device of a point id. */
  device(id: string | undefined): string;
}

/** The names, made anew when the language or the site changes. */
export function useNames(): NamesShown {
  const { site, preferences } = useServices();
  const names = useCell(site.names);
  const language = useCell(preferences.language);
  return useMemo(() => {
    const of = (thing: { name: string; nameEn: string } | undefined, id: string | undefined): string =>
      thing === undefined ? (id ?? "") : named(thing, language);
    return {
      language,
      space: (id) => of(id === undefined ? undefined : names.spaces.get(id), id),
      place(id) {
        const path = spacePath(names.spaces, id).filter((space) => space.kind !== "site");
        return path.length === 0
          ? of(id === undefined ? undefined : names.spaces.get(id), id)
          : path
              .reverse()
              .map((space) => named(space, language))
              .join(" / ");
      },
      zone: (id) => of(id === undefined ? undefined : names.zones.get(id), id),
      device(id) {
        const device = id?.split("/").slice(0, 3).join("/");
        return of(device === undefined ? undefined : names.devices.get(device), device);
      },
    };
  }, [names, language]);
}
