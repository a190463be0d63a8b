import { InvalidInputError } from "../errors.ts";
import type { Alarm, AlarmTransition } from "../model/alarm.ts";

/** A transition as it comes from the minting side: what happened and the whole alarm after it. */
export interface IncomingTransition {
  readonly transition: AlarmTransition;
  readonly alarm: Alarm;
}

/**
 * Folds a transition of the minting side (a gateway) into the record of the other side (the cloud), which may have acted on its
 * own while the two were cut off from each other. [AL-15]
 *
 * | part of the record | who writes it | how two versions become one |
 * |---|---|---|
 * | `occurrence`, `live`, `clearedAt`, `value`, `raisedAt`, `receivedAt`, `stale`, `suppression`, `suppressedBy`, `unannounced`, `shelvedUntil`, `shelvedOnce`, `firstOut`, `cause`, `reAlarms`, `latching`, `autoAcknowledge`, texts, priority, `version` | minting side only | all of them from the greater `version` |
 * | `acknowledged`, `acknowledgedAt`, `acknowledgedBy` | both | union over the records of the resulting occurrence; the earliest act is named (equal times: the lesser name) |
 * | `resetAt`, `resetBy` | both | as the acknowledgement |
 * | `condition` | follows | `active` while `live`; else `inactive` when any record of that occurrence is (cleared, or reset); else `latched` |
 *
 * So an acknowledgement or reset of occurrence n never touches n+1, and a raised n+1 reopens an episode that the other side held
 * to be closed. Each part is a join of a semilattice (the second and third are tagged with the occurrence, which only grows with
 * the version), therefore the result depends only on the set of transitions and acts, not on their order or number. Relies on: a
 * mirror applies its own acts with `side: "mirror"` and so leaves `version` alone; the minting side never uses a version twice.
 * `transition` names what to write into the journal and does not change the result: the snapshot says it all.
 *
 * @throws ALARM_MERGE_ID when the two are not the same alarm
 */
export function merge(held: Alarm | undefined, incoming: IncomingTransition): Alarm {
  const { alarm } = incoming;
  if (held === undefined) return alarm;
  if (held.id !== alarm.id)
    throw new InvalidInputError("ALARM_MERGE_ID", `cannot merge alarm ${alarm.id} into ${held.id}: not the same alarm`);
  const [newer, older] = alarm.version > held.version ? [alarm, held] : [held, alarm];
  const peers = newer.occurrence === older.occurrence ? [newer, older] : [newer];
  const { acknowledgedAt: _a, acknowledgedBy: _b, resetAt: _r, resetBy: _s, ...minted } = newer;
  const acknowledgement = earliest(peers.map((peer) => act(peer.acknowledgedAt, peer.acknowledgedBy)));
  const reset = earliest(peers.map((peer) => act(peer.resetAt, peer.resetBy)));
  return {
    ...minted,
    acknowledged: peers.some((peer) => peer.acknowledged),
    condition: conditionOf(minted.live, peers),
    ...(acknowledgement && { acknowledgedAt: acknowledgement.at, acknowledgedBy: acknowledgement.by }),
    ...(reset && { resetAt: reset.at, resetBy: reset.by }),
  };
}

interface Act {
  readonly at: number;
  readonly by: string;
}

function act(at: number | undefined, by: string | undefined): Act | undefined {
  return at === undefined || by === undefined ? undefined : { at, by };
}

function earliest(acts: readonly (Act | undefined)[]): Act | undefined {
  return acts.reduce((best, one) => {
    if (best === undefined || one === undefined) return best ?? one;
    return one.at < best.at || (one.at === best.at && one.by < best.by) ? one : best;
  }, undefined);
}

function conditionOf(live: boolean, peers: readonly Alarm[]): Alarm["condition"] {
  if (live) return "active";
  return peers.some((peer) => peer.condition === "inactive") ? "inactive" : "latched";
}
