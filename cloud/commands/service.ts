import type { Clock } from "#core/clock.ts";
import type { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import type { CommandResultItem } from "#core/contracts/lanes.ts";
import { errorCode, HubError, InvalidInputError } from "#core/errors.ts";
import { type DeviceId, type GatewayId, gatewayOf, newId, type PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { ActionCommand, Command, CommandResult, WriteCommand } from "#core/model/command.ts";
import type { Db } from "../db/database.ts";
import type { BlobUser, CommandPerformer } from "../media-ports.ts";
import type { Actor, AuditLog, CommandService, GatewayLink, SiteCatalog } from "../ports.ts";
import { checkAction, checkParams, checkWrite } from "./check.ts";
import { type CommandRow, CommandStore, commandOf, commandView, isOpen, isPicture } from "./store.ts";

const DEFAULT_EXPIRY_MS = 30_000;
/** Manual operator, where the point says nothing else. [BACnet 19.2] */
const DEFAULT_PRIORITY = 8;
const TICK_MS = 1000;
/** A command without a result is sent again after so long; the gateway executes an id once. */
const RESEND_MS = 5000;

/** Codes under which this side gives a command up; a result that comes later still counts. */
const NO_RESULT = "COMMAND_NO_RESULT";
const NEVER_SENT = "COMMAND_GATEWAY_OFFLINE";

export interface CommandDeps {
  readonly db: Db;
  readonly catalog: Pick<SiteCatalog, "point" | "device" | "channel">;
  readonly link: Pick<GatewayLink, "sendCommand">;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Actions that drivers of a protocol can perform, without those that only their gateway may ask for. */
  readonly actionsOf: (protocol: string) => readonly string[];
  /** Grows with each leader; 1 where there is only one cloud. */
  readonly fence?: number;
}

/** What the hub itself asks for, a rule for instance. */
export interface HubOrder {
  readonly request: CommandRequest;
  /** `rule:<id>`. */
  readonly requestedBy: string;
  readonly leaseMs?: number;
  readonly cause?: NonNullable<Command["cause"]>;
  /** Whence a person asked. */
  readonly ip?: string;
  /** Neither audited nor kept once it has ended, unless the hub restarts before that; a refusal is audited all the same. */
  readonly quiet?: boolean;
}

type Frame = Pick<Command, "id" | "requestedBy" | "fence" | "createdAt" | "expiresAt" | "reason" | "cause">;

/**
 * Writes and device actions. A command is checked and stored with its id and expiry before it is sent; it is sent again
 * until its result comes or its time is over, because the gateway executes an id at most once and never after the
 * expiry. A gateway that is offline may still get it when it comes back in time.
 */
export class Commands implements CommandService, CommandPerformer {
  readonly #deps: CommandDeps;
  readonly #store: CommandStore;
  readonly #waiting = new Map<string, ((view: CommandView) => void)[]>();
  /** Open commands that are to leave no trace. A restart makes ordinary ones of them. */
  readonly #quiet = new Set<string>();
  /** Ended, while the records could not be asked for it: told with the next look at what is open. */
  readonly #untold = new Set<string>();
  #cancel: (() => void) | undefined;
  #failing = false;

  constructor(deps: CommandDeps) {
    this.#deps = deps;
    this.#store = new CommandStore(deps.db);
  }

  /** Takes up what a former process has left open, and watches expiries from now on. */
  start(): void {
    this.#cancel ??= this.#deps.clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  request(request: CommandRequest, actor: Actor): CommandView {
    return this.#take({ request, requestedBy: actor.name, ...(actor.ip === undefined ? {} : { ip: actor.ip }) });
  }

  /**
   * Asks for a command and waits for its end, which comes at its expiry at the latest.
   * @throws POINT_UNKNOWN, POINT_NOT_WRITABLE, VALUE_OUT_OF_RANGE, VALUE_KIND, DEVICE_UNKNOWN, ACTION_UNKNOWN
   */
  async perform(order: HubOrder): Promise<CommandView> {
    const view = this.#take(order);
    if (!isOpen(view)) return view;
    return new Promise((resolve) => {
      this.#waiting.set(view.id, [...(this.#waiting.get(view.id) ?? []), resolve]);
    });
  }

  /** The commands as users of blobs. */
  get blobs(): BlobUser {
    return this.#store;
  }

  /** Devices and channels whose actions, other than pictures, produced a blob. */
  producersOf(sha256: string): readonly string[] {
    return this.#store.ofBlob(sha256).flatMap((command) => (isPicture(command) ? [] : [targetOf(command)]));
  }

  get(id: string): CommandView | undefined {
    const row = this.#store.get(id);
    return row && commandView(row);
  }

  /** Commands made from `from` to `to`, Unix ms, oldest first. */
  between(from: number, to: number, limit: number): readonly CommandView[] {
    return this.#store.between(from, to, limit).map(commandView);
  }

  /** Sends what waits for a gateway that has come back. */
  gatewayOnline(gateway: GatewayId): void {
    try {
      for (const row of this.#store.open()) if (row.gateway === gateway) this.#send(row);
    } catch (error) {
      // They are sent with the next look at what is open.
      this.#deps.logger.warn({ gateway, err: error }, "waiting commands cannot be read");
    }
  }

  /**
   * Takes a result of the events lane, inside its transaction. Undefined when the command is none of these.
   * @throws COMMAND_RESULT_FOREIGN when another gateway than the command's tells it
   */
  takeResult(gateway: GatewayId, { result }: CommandResultItem): (() => void) | undefined {
    const row = this.#store.get(result.id);
    if (row === undefined) return undefined;
    if (row.gateway !== gateway)
      throw new InvalidInputError(
        "COMMAND_RESULT_FOREIGN",
        `command ${row.id} was for ${row.gateway}, ${gateway} tells its result`,
      );
    const late = row.code === NO_RESULT || row.code === NEVER_SENT;
    if (!isOpen(row) && !late) return undefined;
    const note = late ? `result came after the time limit, which was ${new Date(row.expires_at).toISOString()}` : null;
    const message = [result.message, note].filter((part) => part !== undefined && part !== null).join("; ");
    this.#store.finish(row.id, {
      status: result.status,
      code: result.code ?? null,
      message: message === "" ? null : message,
      read_back: result.readBack === undefined ? null : JSON.stringify(result.readBack),
      blob: result.blob ?? null,
      finished_at: result.finishedAt,
    });
    this.#auditEnd(row, result, gateway);
    return () => this.#tell(row.id);
  }

  #take(order: HubOrder): CommandView {
    const { request, requestedBy, ip, quiet = false } = order;
    const key = request.idempotencyKey ?? null;
    const asked = canonical(request);
    const known = key === null ? undefined : this.#store.byKey(requestedBy, key);
    if (known !== undefined) {
      if (known.request === asked) return commandView(known);
      throw new HubError("IDEMPOTENCY_CONFLICT", `the key ${key} was used for another command`);
    }
    const command = this.#checked(order);
    const row: CommandRow = {
      id: command.id,
      gateway: gatewayOf(targetOf(command) as PointId | DeviceId),
      status: "pending",
      requested_by: requestedBy,
      idempotency_key: key,
      request: asked,
      created_at: command.createdAt,
      expires_at: command.expiresAt,
      sent_at: null,
      finished_at: null,
      code: null,
      message: null,
      read_back: null,
      blob: null,
      document: JSON.stringify(command),
    };
    this.#deps.db.sync.transaction(() => {
      this.#store.add(row);
      if (!quiet)
        this.#audit(
          command.kind,
          requestedBy,
          targetOf(command),
          "ok",
          { command: command.id, ...detailOf(command) },
          ip,
        );
    });
    if (quiet) this.#quiet.add(row.id);
    this.#send(row);
    return commandView(this.#store.get(row.id) ?? row);
  }

  #checked(order: HubOrder): WriteCommand | ActionCommand {
    const { request } = order;
    try {
      return this.#command(order);
    } catch (error) {
      const [kind, target] =
        "point" in request ? (["write", request.point] as const) : (["action", request.device] as const);
      this.#audit(kind, order.requestedBy, target, "refused", { code: errorCode(error) }, order.ip);
      throw error;
    }
  }

  #command({ request, requestedBy, leaseMs, cause }: HubOrder): WriteCommand | ActionCommand {
    const { clock, catalog, fence = 1 } = this.#deps;
    const createdAt = clock.now();
    const frame: Frame = {
      id: newId(createdAt),
      requestedBy,
      fence,
      createdAt,
      expiresAt: createdAt + (request.expiresInMs ?? DEFAULT_EXPIRY_MS),
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      ...(cause === undefined ? {} : { cause }),
    };
    if (!("point" in request)) return this.#action(request, frame);
    const point = catalog.point(request.point);
    if (point === undefined) throw new InvalidInputError("POINT_UNKNOWN", `point ${request.point}: no such point`);
    checkWrite(point, request.value);
    const priority = request.priority ?? point.priority ?? DEFAULT_PRIORITY;
    const lease = leaseMs === undefined ? {} : { leaseMs };
    return { ...frame, kind: "write", point: point.id, value: request.value, priority, ...lease };
  }

  #action(request: Extract<CommandRequest, { device: string }>, frame: Frame): ActionCommand {
    const { catalog, actionsOf } = this.#deps;
    const { device: id, action, params = {} } = request;
    checkParams(action, params);
    checkAction(id, action, { device: catalog.device(id), channel: catalog.channel(id) }, actionsOf);
    return { ...frame, kind: "action", device: id, action, params };
  }

  #send(row: CommandRow): void {
    const now = this.#deps.clock.now();
    if (row.expires_at < now) return;
    if (!this.#deps.link.sendCommand(row.gateway as GatewayId, commandOf(row))) return;
    try {
      this.#store.sent(row.id, now);
    } catch (error) {
      // It is on its way all the same: noted when it is sent again, and the gateway executes an id once.
      this.#deps.logger.warn({ command: row.id, err: error }, "a sent command cannot be noted");
    }
  }

  #tick(): void {
    try {
      const now = this.#deps.clock.now();
      for (const row of this.#store.open()) {
        if (row.expires_at < now) this.#giveUp(row, now);
        else if (row.sent_at === null || now < row.sent_at || now - row.sent_at >= RESEND_MS) this.#send(row);
      }
      for (const id of this.#untold) this.#tell(id);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#deps.logger.error({ err: error }, "open commands cannot be looked after, trying again");
      this.#failing = true;
    }
  }

  #giveUp(row: CommandRow, now: number): void {
    const sent = row.sent_at !== null;
    const end = sent
      ? ({ status: "timeout", code: NO_RESULT, message: "no result before the time limit" } as const)
      : ({
          status: "expired",
          code: NEVER_SENT,
          message: `gateway ${row.gateway} was offline until the time limit`,
        } as const);
    this.#deps.db.sync.transaction(() => {
      this.#store.finish(row.id, { ...end, read_back: null, blob: null, finished_at: now });
      this.#auditEnd(row, end, "system");
    });
    this.#tell(row.id);
  }

  /** Tells who waits, and lets a quiet one leave no trace. What fails for now is done with a later tick. */
  #tell(id: string): void {
    try {
      this.#tellWaiting(id);
      if (this.#quiet.has(id)) this.#store.remove(id);
      this.#quiet.delete(id);
      this.#untold.delete(id);
    } catch (error) {
      if (!this.#untold.has(id))
        this.#deps.logger.warn({ command: id, err: error }, "an ended command cannot be told or removed, trying again");
      this.#untold.add(id);
    }
  }

  #tellWaiting(id: string): void {
    const waiting = this.#waiting.get(id);
    const row = waiting && this.#store.get(id);
    if (waiting === undefined || row === undefined) return;
    const view = commandView(row);
    this.#waiting.delete(id);
    for (const resolve of waiting) resolve(view);
  }

  #auditEnd(row: CommandRow, end: Pick<CommandResult, "status" | "code">, actor: string): void {
    if (this.#quiet.has(row.id)) return;
    const command = commandOf(row);
    const result = end.status === "done" ? "ok" : end.status === "rejected" ? "refused" : "failed";
    const detail = { command: row.id, status: end.status, ...(end.code === undefined ? {} : { code: end.code }) };
    this.#audit("result", actor, targetOf(command), result, detail, undefined);
  }

  #audit(
    what: "write" | "action" | "result",
    actor: string,
    target: string,
    result: "ok" | "refused" | "failed",
    detail: Record<string, unknown>,
    ip: string | undefined,
  ): void {
    const from = ip === undefined ? {} : { ip };
    this.#deps.audit.append({ actor, action: `command.${what}`, target, result, detail, ...from });
  }
}

function targetOf(command: Command): string {
  if (command.kind === "write") return command.point;
  return command.kind === "action" ? command.device : command.alarm;
}

function detailOf(command: WriteCommand | ActionCommand): Record<string, unknown> {
  const reason = command.reason === undefined ? {} : { reason: command.reason };
  return command.kind === "write"
    ? { value: command.value, priority: command.priority, ...reason }
    : { action: command.action, params: command.params, ...reason };
}

/** What was asked for, the same text for the same request whatever the order of its fields. */
function canonical(request: CommandRequest): string {
  if ("point" in request) return JSON.stringify([request.point, request.value, request.priority ?? null]);
  return JSON.stringify([request.device, request.action, Object.entries(request.params ?? {}).sort()]);
}
