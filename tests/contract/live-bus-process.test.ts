import { ProcessLiveBus } from "#cloud/live/bus.ts";
import { liveBusContract } from "./live-bus.ts";

liveBusContract({ name: "embedded", make: (onError) => new ProcessLiveBus(onError) });
