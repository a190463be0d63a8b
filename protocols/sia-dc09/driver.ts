import type { Discovery } from "#core/contracts/discovery.ts";
import { HubError } from "#core/errors.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverCounters,
  DriverDeps,
  ProtocolDriver,
  WriteRequest,
  WriteResult,
} from "../driver.ts";
import type { SiaAccount, SiaAddress, SiaConfig } from "./config.ts";
import { newCounters } from "./counters.ts";
import { Intake } from "./intake.ts";
import { Memory } from "./memory.ts";
import { Panel } from "./panel.ts";
import { Receiver } from "./receiver.ts";
import { SIA_DEFAULTS } from "./vocabulary.ts";

const WATCH_EVERY_MS = 250;
const FORGET_EVERY_MS = 600_000;
const SECOND_MS = 1000;

type SiaBinding = DeviceBinding<SiaAccount, SiaAddress>;

/** A receiver of SIA DC-09 and its accounts. It only listens: panels dial in, and nothing can be written to them. */
export class SiaDriver implements ProtocolDriver<SiaAccount, SiaAddress> {
  readonly #deps: DriverDeps;
  readonly #counters = newCounters();
  readonly #panels = new Map<string, Panel>();
  /** What each panel was made with. */
  readonly #made = new Map<string, string>();
  readonly #intake: Intake;
  readonly #receiver: Receiver;
  readonly #duplicateMs: number;
  readonly #cancels: (() => void)[] = [];
  #memory: Memory | undefined;
  #stopped = false;

  constructor(config: SiaConfig, deps: DriverDeps) {
    const settings = { ...SIA_DEFAULTS, ...config };
    const { clock, logger } = deps;
    this.#deps = deps;
    this.#duplicateMs = settings.duplicateS * SECOND_MS;
    this.#intake = new Intake({
      deps,
      counters: this.#counters,
      memory: () => this.#opened(),
      panel: (account) => this.#panels.get(account),
      panels: () => this.#panels.values(),
      windowBeforeMs: settings.windowBeforeS * SECOND_MS,
      windowAfterMs: settings.windowAfterS * SECOND_MS,
      duplicateMs: this.#duplicateMs,
    });
    this.#receiver = new Receiver({
      ...settings,
      clock,
      logger,
      counters: this.#counters,
      take: (frame, from) => this.#intake.take(frame, from),
    });
  }

  #opened(): Memory {
    if (this.#memory === undefined) throw new HubError("SIA_NOT_STARTED", "the receiver has not been started");
    return this.#memory;
  }

  /** The port it listens on. */
  get port(): number {
    return this.#receiver.port;
  }

  /** @throws SIA_LISTEN_FAILED, SIA_MEMORY_NEWER */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#memory ??= new Memory(this.#deps.folder, this.#deps.logger);
    await this.#receiver.open();
    const { clock } = this.#deps;
    this.#cancels.push(
      clock.every(WATCH_EVERY_MS, () => {
        for (const panel of this.#panels.values()) panel.watch();
      }),
      clock.every(FORGET_EVERY_MS, () => this.#memory?.forgetBefore(clock.now() - this.#duplicateMs)),
    );
  }

  async bind(devices: readonly SiaBinding[]): Promise<void> {
    if (this.#stopped) return;
    const wanted = new Map<string, SiaBinding>();
    for (const binding of devices) {
      const account = binding.config.account.toUpperCase();
      if (wanted.has(account)) this.#refuse(binding, account);
      else wanted.set(account, binding);
    }
    for (const account of [...this.#panels.keys()]) {
      const binding = wanted.get(account);
      if (binding !== undefined && made(binding) === this.#made.get(account)) continue;
      this.#panels.delete(account);
      this.#made.delete(account);
    }
    for (const [account, binding] of wanted) {
      const known = this.#panels.get(account);
      if (known !== undefined) known.rebind(binding.points);
      else {
        this.#made.set(account, made(binding));
        this.#panels.set(account, new Panel(binding, this.#opened().states(account), this.#deps));
      }
    }
  }

  /** Two panels cannot be told apart by one account: the first has it. */
  #refuse({ device, points }: SiaBinding, account: string): void {
    const { clock, logger, onDevice, onSamples } = this.#deps;
    const reason = "configError";
    logger.error({ device, account }, "account is another device's already, this one is not served");
    const observedAt = clock.now();
    onDevice({ device, online: false, reason, at: observedAt });
    if (points.length > 0)
      onSamples(points.map(({ point }) => ({ point, value: null, quality: "bad", reason, observedAt })));
  }

  async write({ point }: WriteRequest): Promise<WriteResult> {
    const known = [...this.#panels.values()].some((panel) => panel.has(point));
    const code = known ? "SIA_POINT_READ_ONLY" : "SIA_POINT_UNKNOWN";
    const message = known ? `${point}: SIA DC-09 only reports` : `${point} is not bound to this channel`;
    return { status: "rejected", code, message };
  }

  async act({ device, action }: ActionRequest): Promise<ActionResult> {
    if (action !== "discover")
      return { status: "rejected", code: "ACTION_UNKNOWN", message: `${device}: panels have no action "${action}"` };
    const found: Discovery = {
      at: this.#deps.clock.now(),
      devices: [...this.#intake.strangers].map(([account, from]) => ({
        identity: account,
        name: `Account ${account} at ${from}`,
        config: { account },
      })),
      points: [],
      problems: [],
    };
    return { status: "done", blob: { contentType: "application/json", bytes: Buffer.from(JSON.stringify(found)) } };
  }

  counters(): DriverCounters {
    return { ...this.#counters };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#panels.clear();
    await this.#receiver.close();
    this.#memory?.close();
    this.#memory = undefined;
  }
}

const made = ({ device, config }: SiaBinding): string => JSON.stringify([device, config]);

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: SiaConfig, deps: DriverDeps): SiaDriver {
  return new SiaDriver(config, deps);
}
