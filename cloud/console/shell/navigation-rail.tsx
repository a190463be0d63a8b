import { useTranslation } from "react-i18next";
import iconUrl from "../icon.svg";
import { countAttention } from "../live/alarm-tally.ts";
import { useCell, useCellPart } from "../live/hooks.ts";
import { PAGES } from "../pages/index.ts";
import { useServices } from "../services-context.ts";
import { Icon } from "../ui/icon.tsx";
import { Link } from "../ui/link.tsx";

function AttentionCount() {
  const { tally } = useServices();
  const count = useCellPart(tally, countAttention);
  return count === 0 ? null : <span className="count">{count > 999 ? "999+" : count}</span>;
}

/** The pages that the user may see. */
export function NavigationRail() {
  const { t } = useTranslation();
  const { router, session } = useServices();
  const { path } = useCell(router.place);
  const state = useCell(session.state);
  const pages = PAGES.filter(({ permission }) => state.is === "in" && state.permissions.has(permission));
  return (
    <nav className="nav" aria-label={t("app.navigation")}>
      <div className="brand">
        <img src={iconUrl} alt="" />
        <span>{t("app.name")}</span>
      </div>
      <ul>
        {pages.map((page) => (
          <li key={page.path}>
            <Link
              to={page.path}
              current={path === page.path}
              title={t(`page.${page.title}`)}
              testId={`nav-${page.title}`}
            >
              <Icon name={page.icon} />
              <span>{t(`page.${page.title}`)}</span>
              {page.title === "alarms" && <AttentionCount />}
            </Link>
          </li>
        ))}
      </ul>
      <footer>
        <a href="/api/docs" target="_blank" rel="noreferrer">
          {t("app.apiDocs")}
        </a>
      </footer>
    </nav>
  );
}
