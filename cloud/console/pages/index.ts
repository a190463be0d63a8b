import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Texts } from "../i18n/zh-cn.ts";
import type { IconName } from "../ui/icon.tsx";

/** A page of the console. */
export interface PageEntry {
  readonly path: string;
  /** Text `page.<title>`. */
  readonly title: keyof Texts["page"];
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
    permission: "alarm.read",
    icon: "bell",
    Page: lazy(() => import("./alarms.tsx")),
  },
  {
    path: "/video",
    title: "video",
    permission: "video.view",
    icon: "video",
    Page: lazy(() => import("./video.tsx")),
  },
  { path: "/doors", title: "doors", permission: "point.read", icon: "door", Page: lazy(() => import("./doors.tsx")) },
  {
    path: "/devices",
    title: "devices",
    permission: "point.read",
    icon: "device",
    Page: lazy(() => import("./devices.tsx")),
  },
  {
    path: "/gateways",
    title: "gateways",
    permission: "gateway.read",
    icon: "gateway",
    Page: lazy(() => import("./gateways.tsx")),
  },
  { path: "/rules", title: "rules", permission: "rule.read", icon: "rule", Page: lazy(() => import("./rules.tsx")) },
  { path: "/audit", title: "audit", permission: "audit.read", icon: "audit", Page: lazy(() => import("./audit.tsx")) },
];
