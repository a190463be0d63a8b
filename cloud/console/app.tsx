import { Button, ConfigProvider } from "antd";
import enUS from "antd/es/locale/en_US";
import zhCN from "antd/es/locale/zh_CN";
import { lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "./api/client.ts";
import { useCell } from "./live/hooks.ts";
import { PAGES } from "./pages/index.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import type { Services } from "./services.ts";
import { ServicesContext, useServices } from "./services-context.ts";
import { AlarmKeys } from "./shell/alarm-keys.tsx";
import { AudibleLossBar } from "./shell/audible-loss-bar.tsx";
import { NavigationRail } from "./shell/navigation-rail.tsx";
import { NoticePopups } from "./shell/notice-popups.tsx";
import { StaleBanner } from "./shell/stale-banner.tsx";
import { ToastList } from "./shell/toast-list.tsx";
import { TopBar } from "./shell/top-bar.tsx";
import { ANTD_THEMES, BUTTON_OPTIONS } from "./theme/antd.ts";
import { Link } from "./ui/link.tsx";
import { PageBoundary } from "./ui/page-boundary.tsx";
import { EmptyState, ErrorState, LoadingState } from "./ui/states.tsx";

const ANTD_LOCALES = { "zh-CN": zhCN, en: enUS } as const;

const AntdApp = lazy(() => import("./ui/antd-app.tsx"));
const WallDisplay = lazy(() => import("./pages/alarms/wall-display.tsx"));

/** The page that the address names. */
function CurrentPage() {
  const { t } = useTranslation();
  const { router, session } = useServices();
  const { path } = useCell(router.place);
  const state = useCell(session.state);
  useEffect(() => {
    if (path === "/") router.go("/alarms", { replace: true });
  }, [path, router]);
  const page = PAGES.find((one) => one.path === path);
  useEffect(() => {
    document.title = page === undefined ? t("app.name") : `${t(`page.${page.title}`)} · ${t("app.name")}`;
  }, [page, t]);
  if (path === "/") return <LoadingState />;
  if (page === undefined)
    return (
      <EmptyState icon="search" title={t("app.notFound")} hint={t("app.notFoundHint")}>
        <Link to="/alarms">{t("app.toAlarms")}</Link>
      </EmptyState>
    );
  if (state.is !== "in" || !state.permissions.has(page.permission))
    return <EmptyState icon="lock" title={t("app.forbidden")} hint={t("app.forbiddenHint")} />;
  const failed = (
    <EmptyState icon="warning" title={t("error.page")} hint={t("error.pageHint")}>
      <Button onClick={() => location.reload()}>{t("error.reload")}</Button>
    </EmptyState>
  );
  return (
    <PageBoundary key={page.path} fallback={failed}>
      <h1 className="visually-hidden">{t(`page.${page.title}`)}</h1>
      <Suspense fallback={<LoadingState />}>
        {page.path === "/alarms" ? (
          <page.Page />
        ) : (
          <AntdApp>
            <page.Page />
          </AntdApp>
        )}
      </Suspense>
    </PageBoundary>
  );
}

/** Navigation, alarm bar and the page. */
function Shell() {
  const { t } = useTranslation();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t("app.skip")}
      </a>
      <NavigationRail />
      <TopBar />
      <div className="content">
        <StaleBanner />
        <AudibleLossBar />
        <main id="main" className="page" aria-label={t("app.main")} tabIndex={-1}>
          <CurrentPage />
        </main>
      </div>
      <NoticePopups />
      <AlarmKeys />
      <ToastList />
    </div>
  );
}

/** The console, or the wall display that has nothing to operate. */
function Desk() {
  const { router, session } = useServices();
  const { path, query } = useCell(router.place);
  const state = useCell(session.state);
  const wall = path === "/alarms" && query["wall"] === "1";
  if (!wall || state.is !== "in" || !state.permissions.has("alarm.read")) return <Shell />;
  return (
    <Suspense fallback={<LoadingState />}>
      <WallDisplay />
    </Suspense>
  );
}

/** Sign-in or the console, by the session. */
function Gate() {
  const { session } = useServices();
  const state = useCell(session.state);
  switch (state.is) {
    case "checking":
      return <LoadingState />;
    case "unreachable":
      return (
        <main className="page">
          <ErrorState error={new ApiError("OFFLINE", "", 0)} onRetry={() => void session.check()} />
        </main>
      );
    case "out":
      return <SignInPage expired={state.expired} />;
    case "in":
      return <Desk />;
    default:
      return state satisfies never;
  }
}

/** The console. */
export function App({ services }: { readonly services: Services }) {
  const language = useCell(services.preferences.language);
  const theme = useCell(services.preferences.theme);
  return (
    <ServicesContext.Provider value={services}>
      <ConfigProvider locale={ANTD_LOCALES[language]} theme={ANTD_THEMES[theme]} button={BUTTON_OPTIONS}>
        <Gate />
      </ConfigProvider>
    </ServicesContext.Provider>
  );
}
