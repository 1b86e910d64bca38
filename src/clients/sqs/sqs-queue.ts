/** One queue of Amazon SQS, or of a server with its API: the calls that an event source makes. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { KeySelector } from '../../kubernetes/secrets';
import { errorNumber, errorProperty, errorText, hasErrorName } from '../../errors/foreign-errors';
import { isSluiceError, type SluiceError } from '../../errors/sluice-error';
import { requireAllowedTargets } from '../allowed-targets';
import type { ConnectionOwner } from '../connection-owner';
import type { FailureVerdict } from '../reconnection';
import { GuardedRequests } from './guarded-requests';
import { withholdNodeIdentity } from './node-identity';

export interface SqsQueueSpec {
  readonly region: string;
  readonly queue: string;
  readonly queueAccountId?: string;
  readonly endpoint?: string;
  readonly roleARN?: string;
  readonly accessKey?: KeySelector;
  readonly secretKey?: KeySelector;
  readonly sessionToken?: KeySelector;
}

export interface QueueCounts {
  readonly waiting: number;
  /** Received by a reader, and not deleted. */
  readonly received: number;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

const CONNECT_WITHIN_MS = 4_000;
const REPLY_WITHIN_MS = 7_000;
const MOST_PER_REQUEST = 10;

/** An open queue. Its calls throw what the AWS SDK throws. */
export class SqsQueue {
  private constructor(
    private readonly client: SQSClient,
    private readonly url: string,
  ) {}

  /** Throws errors of the SDK, and those of the owner. */
  static async open(spec: SqsQueueSpec, owner: ConnectionOwner, signal: AbortSignal): Promise<SqsQueue> {
    const credentials = await readCredentials(spec, owner);
    if (credentials === undefined) withholdNodeIdentity();
    if (spec.endpoint !== undefined) await requireReachable(spec.endpoint, owner);
    const client = new SQSClient({
      region: spec.region,
      ...(spec.endpoint !== undefined && { endpoint: spec.endpoint }),
      ...(credentials !== undefined && { credentials: spec.roleARN ? assumed(spec, credentials) : credentials }),
      ...(credentials === undefined && spec.roleARN && { credentials: assumed(spec, undefined) }),
      requestHandler: new GuardedRequests(CONNECT_WITHIN_MS),
      // A queue's address is what its server says; the requests go where the manifest leads.
      useQueueUrlAsEndpoint: false,
      // The source waits and tries again, and shows why.
      maxAttempts: 1,
    });
    try {
      const { QueueUrl: url } = await client.send(
        new GetQueueUrlCommand({
          QueueName: spec.queue,
          ...(spec.queueAccountId && { QueueOwnerAWSAccountId: spec.queueAccountId }),
        }),
        { abortSignal: within(REPLY_WITHIN_MS, signal) },
      );
      if (url === undefined) throw new Error('the server names no address of the queue');
      return new SqsQueue(client, url);
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  async receive(options: { most: number; waitSeconds: number; hiddenSeconds: number; signal: AbortSignal }) {
    const { most, waitSeconds, hiddenSeconds, signal } = options;
    const { Messages: messages = [] } = await this.client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.url,
        MaxNumberOfMessages: Math.min(MOST_PER_REQUEST, most),
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: hiddenSeconds,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp', 'AWSTraceHeader'],
      }),
      { abortSignal: within(waitSeconds * 1_000 + REPLY_WITHIN_MS, signal) },
    );
    return messages;
  }

  /** Throws if the server could not delete one of them, and may later. */
  async delete(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    await this.each(messages, signal, async (entries, abortSignal) => {
      const command = new DeleteMessageBatchCommand({ QueueUrl: this.url, Entries: entries });
      return await this.client.send(command, { abortSignal });
    });
  }

  /** Hides them from readers for so long from now; with 0 the next reader gets them. */
  async hide(messages: readonly Message[], seconds: number, signal: AbortSignal): Promise<void> {
    await this.each(messages, signal, async (entries, abortSignal) => {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: seconds }));
      const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.url, Entries });
      return await this.client.send(command, { abortSignal });
    });
  }

  async count(signal: AbortSignal): Promise<QueueCounts> {
    const { Attributes: counts = {} } = await this.client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.url,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
      { abortSignal: within(REPLY_WITHIN_MS, signal) },
    );
    const received = Number(counts.ApproximateNumberOfMessagesNotVisible ?? 0);
    const delayed = Number(counts.ApproximateNumberOfMessagesDelayed ?? 0);
    return { waiting: Number(counts.ApproximateNumberOfMessages ?? 0) + delayed, received };
  }

  close(): void {
    this.client.destroy();
  }

  private async each(
    messages: readonly Message[],
    signal: AbortSignal,
    send: (
      entries: Array<{ Id: string; ReceiptHandle: string }>,
      abortSignal: AbortSignal,
    ) => Promise<{ Failed?: Array<{ Code?: string; SenderFault?: boolean }> }>,
  ): Promise<void> {
    for (let from = 0; from < messages.length; from += MOST_PER_REQUEST) {
      const entries = messages.slice(from, from + MOST_PER_REQUEST).map(({ ReceiptHandle = '' }, index) => ({
        Id: String(index),
        ReceiptHandle,
      }));
      const { Failed = [] } = await send(entries, within(REPLY_WITHIN_MS, signal)).catch(noneIfExpired);
      // The server has another reader's receipt, or none: it will never accept this one.
      const failed = Failed.filter(({ SenderFault }) => SenderFault !== true);
      const [first] = failed;
      if (first !== undefined) throw new Error(`${failed.length} messages: ${first.Code ?? 'not accepted'}`);
    }
  }
}

function noneIfExpired(error: unknown): { Failed?: [] } {
  if (hasErrorName(error, 'ReceiptHandleIsInvalid', 'InvalidParameterValue', 'MessageNotInflight')) return {};
  throw error;
}

/** Whether waiting can help. */
export function sqsVerdict(error: unknown): FailureVerdict {
  if (isSluiceError(error)) return error.retryable ? 'transient' : 'permanent';
  // A server that is not of AWS may refuse in words that the SDK cannot read.
  if (hasErrorName(error, ...WRONG_CREDENTIALS) || (isUnreadable(error) && statusOf(error) === 403))
    return 'credentials';
  return hasErrorName(error, ...REFUSED) ? 'permanent' : 'transient';
}

const WRONG_CREDENTIALS = [
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidClientToken',
  'InvalidSecurity',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
];
const REFUSED = ['AccessDenied', 'AccessDeniedException', 'AuthorizationError', 'KmsAccessDenied'];

/** Without what the server says beyond its code: messages of AWS name accounts and policies. */
export function describeSqsFailure(error: unknown, { queue }: SqsQueueSpec): string {
  if (hasErrorName(error, 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue')) {
    return `the queue ${queue} does not exist`;
  }
  if (hasErrorName(error, ...WRONG_CREDENTIALS)) return 'the server does not accept the credentials';
  if (hasErrorName(error, ...REFUSED)) return `the user may not receive or delete messages of the queue ${queue}`;
  if (hasErrorName(error, 'TimeoutError', 'AbortError')) return 'the connection was closed, or no reply came in time';
  if (isUnreadable(error)) return `the answer cannot be read (HTTP status ${statusOf(error) ?? 'unknown'})`;
  return errorText(error).slice(0, MOST_WORDS);
}

function isUnreadable(error: unknown): boolean {
  return hasErrorName(error, 'SyntaxError');
}

function statusOf(error: unknown): number | undefined {
  return (
    errorNumber(errorProperty(error, '$response'), 'statusCode') ??
    errorNumber(errorProperty(error, '$metadata'), 'httpStatusCode')
  );
}

const MOST_WORDS = 300;

export function describeServer({ endpoint, region }: SqsQueueSpec): string {
  if (endpoint === undefined) return `SQS in ${region}`;
  return URL.canParse(endpoint) ? `SQS at ${new URL(endpoint).host}` : 'SQS at an endpoint that is no address';
}

export function sqsFailure(
  error: unknown,
  spec: SqsQueueSpec,
  owner: ConnectionOwner,
  kind: 'unreachable' | 'misconfigured',
): SluiceError {
  if (isSluiceError(error)) return error;
  return owner.failure(kind, {
    message: `${describeServer(spec)}: ${describeSqsFailure(error, spec)}`,
    fix:
      kind === 'unreachable'
        ? 'Check endpoint, region and queue, and that the server can be reached from the worker'
        : 'Check accessKey, secretKey and roleARN, and that the user may receive and delete messages of the queue',
    cause: error,
  });
}

async function requireReachable(endpoint: string, owner: ConnectionOwner): Promise<void> {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw owner.failure('misconfigured', {
      message: 'endpoint is not an address such as https://sqs.eu-central-1.amazonaws.com',
      fix: 'Correct endpoint, or remove it for AWS',
    });
  }
  try {
    await requireAllowedTargets(`SQS at ${url.host}`, [url.host]);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    throw owner.failure('misconfigured', { message: error.message, fix: error.fix, cause: error });
  }
}

/** Undefined: those that the worker itself has, as any program of AWS finds them. */
async function readCredentials(spec: SqsQueueSpec, owner: ConnectionOwner): Promise<Credentials | undefined> {
  const { accessKey, secretKey, sessionToken } = spec;
  if (accessKey === undefined || secretKey === undefined) return undefined;
  const read = (selector: KeySelector): Promise<string> => owner.secrets.secret(owner.namespace, selector);
  const [accessKeyId, secretAccessKey, token] = await Promise.all([
    read(accessKey),
    read(secretKey),
    sessionToken && read(sessionToken),
  ]);
  return { accessKeyId, secretAccessKey, ...(token !== undefined && { sessionToken: token }) };
}

/** The SDK asks again before they expire. */
function assumed({ region, roleARN }: SqsQueueSpec, credentials: Credentials | undefined) {
  return async (): Promise<Credentials> => {
    // Not kept: each queue that is opened again would leave the connections of one behind.
    const client = new STSClient({
      region,
      ...(credentials !== undefined && { credentials }),
      requestHandler: new GuardedRequests(CONNECT_WITHIN_MS),
      maxAttempts: 1,
    });
    try {
      const { Credentials: given } = await client.send(
        new AssumeRoleCommand({ RoleArn: roleARN, RoleSessionName: 'sluice' }),
        { abortSignal: AbortSignal.timeout(REPLY_WITHIN_MS) },
      );
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken, Expiration } = given ?? {};
      if (accessKeyId === undefined || secretAccessKey === undefined) throw new Error('the role gives no credentials');
      return { accessKeyId, secretAccessKey, sessionToken: SessionToken, expiration: Expiration };
    } finally {
      client.destroy();
    }
  };
}

function within(ms: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}
