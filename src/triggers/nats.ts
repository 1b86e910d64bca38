/**
 * Trigger `nats`: one message per fire.
 *
 * If a JetStream stream stores the subject, the fire is done only when the stream has the message; otherwise when the
 * server has read it. Every message carries the fire's id as `Nats-Msg-Id`, so that a stream drops duplicates within
 * its duplicate window.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as createHeaders, type MsgHdrs } from '@nats-io/transport-node';
import { setImmediate } from 'node:timers/promises';
import { SluiceError } from '../errors/sluice-error';
import { traceparentOf } from '../event/cloud-event';
import { textOf } from '../event/json-text';
import { ConnectionCache } from '../clients/connection-cache';
import { withinTime } from './deadline';
import { errorNumber, errorText, hasErrorName } from '../errors/foreign-errors';
import {
  openNats,
  readNatsSettings,
  type NatsSettings,
  type NatsTemplate,
  type OpenNats,
} from '../clients/nats/nats-connection';
import { StreamLookup } from './nats-stream-lookup';
import type { FireRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export const natsTrigger: TriggerOf<'nats', 'payload' | 'parameters'> = { kind: 'nats', create: createNatsTrigger };

interface NatsClient extends OpenNats {
  readonly streams: StreamLookup;
}

const TIMEOUT_MS = 10_000;

function createNatsTrigger({ secrets, log }: TriggerDependencies): Trigger<NatsTemplate> {
  const clients = new ConnectionCache<NatsSettings, NatsClient>({
    async open(settings) {
      const open = await openNats(settings);
      const manager = await jetstreamManager(open.nats, { checkAPI: false, timeout: TIMEOUT_MS });
      return { ...open, streams: new StreamLookup((subject) => manager.streams.find(subject), log) };
    },
    close: ({ nats }) => nats.close(),
    isUsable: ({ nats }) => !nats.isClosed(),
  });

  return {
    async fire({ template, payload, fireId, events, namespace, signal }) {
      const { subject } = template;
      const settings = await readNatsSettings(template, namespace, secrets);
      return clients.use(settings, async (client) => {
        const stream = await client.streams.streamOf(subject);
        signal.throwIfAborted();
        const message = { subject, body: textOf(payload ?? null), headers: composeHeaders(fireId, events) };
        if (stream === undefined) {
          await publishToServer(client, message);
          return { kind: 'response', summary: `published to NATS subject ${subject}` };
        }
        const { sequence, duplicate } = await publishToStream(client, message);
        const repeated = duplicate ? ', which had it already' : '';
        return { kind: 'response', summary: `stored ${subject} in stream ${stream} as ${sequence}${repeated}` };
      });
    },
    preview: ({ template: { url, subject }, payload, fireId, events }: FireRequest<NatsTemplate>) => ({
      servers: url.replace(/\/\/[^@/]*@/g, '//'),
      subject,
      headers: composeHeaders(fireId, events),
      body: textOf(payload ?? null),
    }),
    close: () => clients.close(),
  };
}

interface Message {
  readonly subject: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

function composeHeaders(fireId: string, events: FireRequest<NatsTemplate>['events']): Message['headers'] {
  const traceparent = traceparentOf(Object.values(events));
  return { 'Nats-Msg-Id': fireId, ...(traceparent !== undefined && { traceparent }) };
}

function toNatsHeaders(fields: Message['headers']): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
  return headers;
}

async function publishToServer({ nats, deniedSubjects }: NatsClient, message: Message): Promise<void> {
  const { subject, body, headers } = message;
  try {
    nats.publish(subject, body, { headers: toNatsHeaders(headers) });
    await withinTime(TIMEOUT_MS, nats.flush());
  } catch (error) {
    throw describeFailure(error, subject);
  }
  // The server reports a rejected message just before it replies to the flush; let the report reach its reader.
  await setImmediate();
  if (deniedSubjects.has(subject)) throw denied(subject);
}

async function publishToStream(
  { nats, streams }: NatsClient,
  { subject, body, headers }: Message,
): Promise<{ sequence: number; duplicate: boolean }> {
  try {
    const ack = await jetstream(nats, { timeout: TIMEOUT_MS }).publish(subject, body, {
      headers: toNatsHeaders(headers),
    });
    return { sequence: ack.seq, duplicate: ack.duplicate };
  } catch (error) {
    // The stream may have been deleted, or may no longer store the subject.
    streams.forget(subject);
    throw describeFailure(error, subject);
  }
}

function describeFailure(error: unknown, subject: string): SluiceError {
  if (hasErrorName(error, 'PermissionViolationError')) return denied(subject);
  const message = `NATS did not accept the message to ${subject}: ${errorText(error)}`;
  if (hasErrorName(error, 'InvalidArgumentError', 'InvalidSubjectError')) {
    return new SluiceError('TRIGGER_REFUSED', {
      message,
      fix: 'Check nats.subject, and that the payload is not larger than the server accepts',
    });
  }
  if (hasErrorName(error, 'JetStreamApiError')) {
    // 4xx: the stream rejects this message; anything else is a failure of the server.
    const retryable = (errorNumber(error, 'status') ?? 500) >= 500;
    return new SluiceError('TRIGGER_REFUSED', { message, retryable, cause: error });
  }
  return new SluiceError('TRIGGER_UNREACHABLE', {
    message,
    fix: 'Check that the NATS server is up and can be reached from the worker',
    cause: error,
  });
}

function denied(subject: string): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', {
    message: `NATS does not let this user publish to ${subject}`,
    fix: 'Allow the subject in the permissions of the user that nats.auth names',
  });
}
