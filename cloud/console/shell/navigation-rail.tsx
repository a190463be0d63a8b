import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import iconUrl from "../icon.svg";
import { countAttention } from "../live/alarm-tally.ts";
import { useCell, useCellPart } from "../live/hooks.ts";
import { PAGE_GROUPS, PAGES, type PageEntry } from "../pages/index.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import { Link } from "../ui/link.tsx";
import { LanguageSwitch, ThemeSwitch } from "./switches.tsx";
import { useSmall } from "./use-small.ts";

/** What of the pages stands in the bar of a phone, beside its menu. */
const QUICK: ReadonlySet<string> = new Set(["/alarms", "/video", "/doors"]);

function AttentionCount() {
  const { tally } = useServices();
  const count = useCellPart(tally, countAttention);
  return count === 0 ? null : <span className="count">{count > 999 ? "999+" : count}</span>;
}

interface PageLinkProps {
  readonly page: PageEntry;
  readonly path: string;
  readonly quick?: boolean;
  readonly onFollow?: (() => void) | undefined;
}

function PageLink({ page, path, quick = false, onFollow }: PageLinkProps) {
  const { t } = useTranslation();
  const name = t(`page.${page.title}`);
  return (
    <Link
      to={page.path}
      current={path === page.path}
      title={name}
      testId={`${quick ? "quick" : "nav"}-${page.title}`}
      onFollow={onFollow}
    >
      <Icon name={page.icon} />
      <span className="nav-name">{name}</span>
      {page.title === "alarms" && <AttentionCount />}
    </Link>
  );
}

/** The pages in their groups. A group of which the user may see nothing is not there. */
function PageGroups(props: {
  readonly pages: readonly PageEntry[];
  readonly path: string;
  readonly onFollow?: () => void;
}) {
  const { pages, path, onFollow } = props;
  const { t } = useTranslation();
  return PAGE_GROUPS.map((group) => {
    const members = pages.filter((page) => page.group === group);
    if (members.length === 0) return null;
    return (
      <div key={group} className="nav-part">
        <p id={`nav-${group}-part`}>{t(`app.group.${group}`)}</p>
        <ul aria-labelledby={`nav-${group}-part`}>
          {members.map((page) => (
            <li key={page.path}>
              <PageLink page={page} path={path} onFollow={onFollow} />
            </li>
          ))}
        </ul>
      </div>
    );
  });
}

/** The bar of a phone: the pages of a round, and a menu with all of them. */
function PhoneBar({ pages, path }: { readonly pages: readonly PageEntry[]; readonly path: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  // Who has gone somewhere wants to see it, also by the browser's own buttons.
  useEffect(() => setOpen(false), [path]);
  const close = useCallback((): void => {
    setOpen(false);
    button.current?.focus();
  }, []);
  useEffect(() => {
    if (!open) return undefined;
    sheet.current?.querySelector<HTMLElement>("a[aria-current], a")?.focus();
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape") close();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [open, close]);
  const quick = pages.filter((page) => QUICK.has(page.path));
  return (
    <>
      {open && (
        <>
          <div className="nav-shade" aria-hidden="true" onClick={() => setOpen(false)} />
          <div ref={sheet} id="nav-sheet" className="nav-sheet" data-testid="nav-sheet">
            <PageGroups pages={pages} path={path} onFollow={close} />
            <div className="nav-switches">
              <LanguageSwitch />
              <ThemeSwitch />
            </div>
          </div>
        </>
      )}
      <div className="nav-bar">
        {quick.map((page) => (
          <PageLink key={page.path} page={page} path={path} quick onFollow={() => setOpen(false)} />
        ))}
        <button
          ref={button}
          type="button"
          aria-expanded={open}
          aria-controls="nav-sheet"
          title={t("app.allPages")}
          className={quick.some((page) => page.path === path) ? "" : "nav-here"}
          data-testid="nav-menu"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? "close" : "menu"} />
          <span className="nav-name">{t("app.menu")}</span>
        </button>
      </div>
    </>
  );
}

/** The pages that the user may see: a rail, on a phone a bar with a menu. */
export function NavigationRail() {
  const { t } = useTranslation();
  const { router, session } = useServices();
  const { path } = useCell(router.place);
  const state = useCell(session.state);
  const small = useSmall();
  const pages = PAGES.filter(({ permission }) => state.is === "in" && state.permissions.has(permission));
  return (
    <nav className="nav" aria-label={t("app.navigation")}>
      {small ? (
        <PhoneBar pages={pages} path={path} />
      ) : (
        <>
          <div className="brand">
            <img src={iconUrl} alt="" />
            <span>{t("app.name")}</span>
          </div>
          <div className="nav-parts">
            <PageGroups pages={pages} path={path} />
          </div>
          <footer>
            <a href="/api/docs" target="_blank" rel="noreferrer">
              {t("app.apiDocs")}
            </a>
          </footer>
        </>
      )}
    </nav>
  );
}
