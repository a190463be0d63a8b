import { decodeSubscribeCov } from "../../codec/services/cov.ts";
import { decodeSubscribeCovProperty } from "../../codec/services/subscribe-cov-property.ts";
import { DONE, failed, objectOf, type ServiceHandler, settled, UNKNOWN_OBJECT } from "./context.ts";

/** [BACnet 13.14] */
export const subscribeCov: ServiceHandler = (context, { peer, body }) => {
  const { processId, object: id, subscription } = decodeSubscribeCov(body);
  const object = objectOf(context, id);
  if (object === undefined) return failed(UNKNOWN_OBJECT);
  if (subscription === undefined) {
    context.cov.cancel(peer, { processId, object });
    return DONE;
  }
  return settled(context.cov.subscribe(peer, { processId, object, ...subscription }));
};

/** [BACnet 13.15] */
export const subscribeCovProperty: ServiceHandler = (context, { peer, body }) => {
  const asked = decodeSubscribeCovProperty(body);
  const { processId, monitoredProperty: reference, confirmed, lifetimeS, covIncrement } = asked;
  const object = objectOf(context, asked.object);
  if (object === undefined) return failed(UNKNOWN_OBJECT);
  if (confirmed === undefined && lifetimeS === undefined) {
    context.cov.cancel(peer, { processId, object, reference });
    return DONE;
  }
  return settled(
    context.cov.subscribe(peer, {
      processId,
      object,
      reference,
      confirmed: confirmed ?? false,
      lifetimeS: lifetimeS ?? 0,
      ...(covIncrement === undefined ? {} : { increment: covIncrement }),
    }),
  );
};
