import path from "node:path";
import {
  AttributeIds,
  type ClientSession,
  type ClientSubscription,
  type DataValue,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAClient,
  SecurityPolicy,
  setErrorLogger,
  setWarningLogger,
  TimestampsToReturn,
  UserTokenType,
} from "node-opcua";

// refusals are what these tests want: the library need not print them
setErrorLogger(() => undefined);
setWarningLogger(() => undefined);

/** Whom a client shall be, and how it shall speak. */
export interface ClientOptions {
  readonly folder: string;
  readonly policy?: SecurityPolicy;
  readonly mode?: MessageSecurityMode;
  readonly password?: string;
}

/** A session, and the way to end it. */
export interface OpenSession {
  readonly client: OPCUAClient;
  readonly session: ClientSession;
  close(): Promise<void>;
}

/** A client that gives up instead of trying again. */
export async function clientOf({ folder, policy, mode }: ClientOptions): Promise<OPCUAClient> {
  const clientCertificateManager = new OPCUACertificateManager({
    rootFolder: path.join(folder, "client"),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  await clientCertificateManager.initialize();
  return OPCUAClient.create({
    securityMode: mode ?? MessageSecurityMode.SignAndEncrypt,
    securityPolicy: policy ?? SecurityPolicy.Basic256Sha256,
    clientCertificateManager,
    applicationName: "test",
    endpointMustExist: false,
    keepSessionAlive: false,
    connectionStrategy: { maxRetry: 0, initialDelay: 50, maxDelay: 100 },
    // a loaded machine starts a second server only slowly while the first one is frozen
    transportTimeout: 25_000,
    defaultTransactionTimeout: 25_000,
  });
}

/** Signs in. */
export async function openSession(url: string, options: ClientOptions): Promise<OpenSession> {
  const client = await clientOf(options);
  await client.connect(url);
  try {
    const session = await client.createSession({
      type: UserTokenType.UserName,
      userName: "parkhub",
      password: options.password ?? "right",
    });
    return {
      client,
      session,
      close: async () => {
        await session.close().catch(() => undefined);
        await client.disconnect();
      },
    };
  } catch (error) {
    await client.disconnect();
    throw error;
  }
}

/** Everything a subscription to one node hears, in order. */
export async function heard(
  session: ClientSession,
  nodeId: string,
): Promise<{ readonly values: DataValue[]; readonly subscription: ClientSubscription }> {
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 100,
    requestedLifetimeCount: 100,
    requestedMaxKeepAliveCount: 5,
    maxNotificationsPerPublish: 100,
    publishingEnabled: true,
    priority: 1,
  });
  const values: DataValue[] = [];
  const item = await subscription.monitor(
    { nodeId, attributeId: AttributeIds.Value },
    { samplingInterval: 50, queueSize: 20, discardOldest: true },
    TimestampsToReturn.Both,
  );
  item.on("changed", (value) => values.push(value as DataValue));
  return { values, subscription };
}
