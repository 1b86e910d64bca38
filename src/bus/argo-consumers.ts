/**
 * What an Argo Events sensor keeps on the stream that it shares with Sluice: a durable consumer for each trigger and
 * dependency, and in a bucket the events that wait for others.
 */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import type { ArgoPosition, ArgoSubscription } from './argo-positions';
import { bucketStream, eventSubject, FORMER } from './bus-names';
import { findConsumer, handledTo } from './durable-consumer';
import { isStreamMissing } from './stream';

export interface ArgoConsumer extends ArgoSubscription {
  readonly name: string;
  /** Absent if there is none: Argo Events never listened for this. */
  readonly info?: ConsumerInfo;
  /** Sequence of the event that waits for others. */
  readonly held?: number;
}

export const ARGO_STREAM = FORMER.events.stream;

/** As Argo Events names it: by a hash (FNV-1a, 32 bits). */
export function argoConsumerName(sensorName: string, trigger: string, dependency: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${sensorName}-${trigger}-${dependency}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return `group-${hash}`;
}

/** Returns one for each subscription, in their order. */
export async function findArgoConsumers(
  manager: JetStreamManager,
  sensorName: string,
  subscriptions: readonly ArgoSubscription[],
): Promise<ArgoConsumer[]> {
  return await Promise.all(
    subscriptions.map(async (subscription): Promise<ArgoConsumer> => {
      const { trigger, dependency, path } = subscription;
      const ofTrigger = subscriptions.filter((other) => other.trigger === trigger);
      const ownName = argoConsumerName(sensorName, trigger, dependency);
      // Dependencies of a trigger that share a subject share a consumer, named after one of them.
      const shared = ofTrigger.filter((other) => other.path === path);
      const names = shared.map((other) => argoConsumerName(sensorName, trigger, other.dependency));
      const info = await firstConsumer(manager, [...new Set([ownName, ...names])], path);
      const held = ofTrigger.length > 1 ? await findHeld(manager, sensorName, subscription) : undefined;
      return {
        ...subscription,
        name: info?.name ?? ownName,
        ...(info && { info }),
        ...(held !== undefined && { held }),
      };
    }),
  );
}

/** Undefined if there is no consumer at all. `since`: where one begins that is missing, RFC 3339. */
export function positionsOf(consumers: readonly ArgoConsumer[], since: string): readonly ArgoPosition[] | undefined {
  if (consumers.every(({ info }) => info === undefined)) return undefined;
  return consumers.map(({ trigger, dependency, info, held }) => ({
    ...{ trigger, dependency },
    ...(info === undefined ? { since } : { handledTo: handledTo(info), ...(held !== undefined && { held }) }),
  }));
}

async function firstConsumer(
  manager: JetStreamManager,
  names: readonly string[],
  path: string,
): Promise<ConsumerInfo | undefined> {
  const subject = eventSubject(FORMER.events, path);
  for (const name of names) {
    const info = await findConsumer(manager, { stream: ARGO_STREAM, name });
    // A hash of 32 bits may be that of another sensor.
    if (info?.config.filter_subject === subject || info?.config.filter_subjects?.includes(subject)) return info;
  }
  return undefined;
}

async function findHeld(
  manager: JetStreamManager,
  sensorName: string,
  { trigger, dependency }: ArgoSubscription,
): Promise<number | undefined> {
  try {
    const message = await manager.streams.getMessage(bucketStream(sensorName), {
      last_by_subj: `$KV.${sensorName}.${trigger}/${dependency}`,
    });
    if (message === null || message.header.get('KV-Operation') !== '') return undefined;
    const { StreamSeq: sequence } = message.json<{ StreamSeq?: unknown }>();
    return typeof sequence === 'number' ? sequence : undefined;
  } catch (error) {
    if (isStreamMissing(error)) return undefined;
    throw error;
  }
}
