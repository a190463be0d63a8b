import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Texts } from "../i18n/zh-cn.ts";
import type { IconName } from "../ui/icon.tsx";

/** Parts of the navigation, in its order. Texts `app.group.<part>`. */
export const PAGE_GROUPS = ["monitor", "alarm", "operation", "system"] as const;
export type PageGroup = (typeof PAGE_GROUPS)[number];

/** A page of the console. */
export interface PageEntry {
  readonly path: string;
  /** Text `page.<title>`. */
  readonly title: keyof Texts["page"];
  /** Part of the navigation that it stands in. */
  readonly group: PageGroup;
  /** Who lacks it does not see the page. */
  readonly permission: string;
  readonly icon: IconName;
  /** Loaded when it is first opened. */
  readonly Page: LazyExoticComponent<ComponentType>;
}

/** Every page, in the order of the navigation. Add a page here. */
export const PAGES: readonly PageEntry[] = [
  {
    path: "/alarms",
    title: "alarms",
    group: "monitor",
    permission: "alarm.read",
    icon: "bell",
    Page: lazy(() => import("./alarms.tsx")),
  },
  {
    path: "/quality",
    title: "quality",
    group: "alarm",
    permission: "alarm.read",
    icon: "trend",
    Page: lazy(() => import("./quality.tsx")),
  },
  {
    path: "/handover",
    title: "handover",
    group: "operation",
    permission: "shift.sign",
    icon: "shift",
    Page: lazy(() => import("./handover.tsx")),
  },
  {
    path: "/video",
    title: "video",
    group: "monitor",
    permission: "video.view",
    icon: "video",
    Page: lazy(() => import("./video.tsx")),
  },
  {
    path: "/doors",
    title: "doors",
    group: "monitor",
    permission: "point.read",
    icon: "door",
    Page: lazy(() => import("./doors.tsx")),
  },
  {
    path: "/devices",
    title: "devices",
    group: "monitor",
    permission: "point.read",
    icon: "device",
    Page: lazy(() => import("./devices.tsx")),
  },
  {
    path: "/gateways",
    title: "gateways",
    group: "operation",
    permission: "gateway.read",
    icon: "gateway",
    Page: lazy(() => import("./gateways.tsx")),
  },
  {
    path: "/rules",
    title: "rules",
    group: "operation",
    permission: "rule.read",
    icon: "rule",
    Page: lazy(() => import("./rules.tsx")),
  },
  {
    path: "/alarm-definitions",
    title: "definitions",
    group: "alarm",
    permission: "alarm.read",
    icon: "filter",
    Page: lazy(() => import("./definitions.tsx")),
  },
  {
    path: "/maintenance",
    title: "maintenance",
    group: "operation",
    permission: "alarm.read",
    icon: "wrench",
    Page: lazy(() => import("./maintenance.tsx")),
  },
  {
    path: "/procedures",
    title: "procedures",
    group: "alarm",
    permission: "alarm.read",
    icon: "book",
    Page: lazy(() => import("./procedures.tsx")),
  },
  {
    path: "/journal",
    title: "journal",
    group: "alarm",
    permission: "alarm.read",
    icon: "copy",
    Page: lazy(() => import("./journal.tsx")),
  },
  {
    path: "/notify",
    title: "notify",
    group: "system",
    permission: "notify.manage",
    icon: "user",
    Page: lazy(() => import("./notify.tsx")),
  },
  {
    path: "/audit",
    title: "audit",
    group: "system",
    permission: "audit.read",
    icon: "audit",
    Page: lazy(() => import("./audit.tsx")),
  },
];
