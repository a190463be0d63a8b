import { createContext, useContext } from "react";
import type { Services } from "./services.ts";

export const ServicesContext = createContext<Services | undefined>(undefined);

/** The page's services. Only inside the app. */
export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === undefined) throw new TypeError("useServices is only for components inside the app");
  return services;
}
