/** Checks the move of one Sensor: who runs it, where both stand on the bus, and what Argo Events created. */
import { positionsOf } from '../bus/argo-consumers';
import type { ArgoPosition, ArgoSubscription } from '../bus/argo-positions';
import type { Bus, SensorPosition, StoredEvent } from '../bus/bus';
import { eventPath } from '../bus/event-path';
import type { SensorDefinition } from '../contract/definitions';
import { argoSubscriptions } from '../sandbox/sensor/argo-subscriptions';
import { compareCreated, type ComparedSensor, type CompareTools } from './compare-created';
import type { RunsIn } from './inventory';

export interface ArgoStanding extends ArgoSubscription {
  readonly consumer: string;
  readonly handledTo?: number;
  readonly pending?: number;
  readonly held?: number;
}

export interface SensorCheck {
  readonly object: string;
  readonly runsIn: RunsIn;
  readonly argo: readonly ArgoStanding[];
  /** Absent if it never listened here. */
  readonly sluice?: SensorPosition;
  readonly comparison?: ComparedSensor;
  readonly problems: readonly string[];
}

export interface CheckOptions {
  /** RFC 3339: events published since then are compared. */
  readonly since: string;
  readonly limit: number;
}

/** Argo Events acts within a moment: younger events may be on their way. */
const SETTLED_AFTER_MS = 5_000;

export async function checkSensor(
  bus: Bus,
  definition: SensorDefinition,
  runsIn: RunsIn,
  { since, limit }: CheckOptions,
  tools: CompareTools,
): Promise<SensorCheck> {
  const { namespace, name } = definition;
  const subscriptions = subscriptionsOf(definition);
  const consumers = await bus.argoConsumers(name, subscriptions);
  const positions = positionsOf(consumers, new Date(0).toISOString()) ?? [];
  const [sluice, moved] = [await bus.position(namespace, name), await bus.movedFromArgo(namespace, name)];
  const events: StoredEvent[] = [];
  const toTime = new Date(Date.now() - SETTLED_AFTER_MS).toISOString();
  const paths = [...new Set(subscriptions.map(({ path }) => path))];
  for await (const stored of bus.readEvents({ paths, fromTime: since, toTime, limit })) events.push(stored);
  // After the move, Argo Events has handled nothing beyond the positions that it had then.
  const handled = moved.length > 0 ? moved : positions;
  const comparison = handled.length === 0 ? undefined : await compareCreated(definition, events, handled, tools);
  return {
    object: `Sensor ${namespace}/${name}`,
    runsIn,
    argo: consumers.map(({ info, name: consumer, held, ...subscription }, index) => {
      const position = positions[index];
      return {
        ...{ ...subscription, consumer },
        ...(position !== undefined && 'handledTo' in position && { handledTo: position.handledTo }),
        ...(info !== undefined && { pending: info.num_pending + info.num_ack_pending }),
        ...(held !== undefined && { held }),
      };
    }),
    ...(sluice !== undefined && { sluice }),
    ...(comparison !== undefined && { comparison }),
    problems: [
      ...problemsOfPlace(runsIn, sluice, moved, positions),
      ...(comparison === undefined ? [] : problemsOfComparison(comparison)),
    ],
  };
}

export function subscriptionsOf({ spec }: Pick<SensorDefinition, 'spec'>): ArgoSubscription[] {
  return argoSubscriptions(spec).map(({ trigger, dependency, eventSourceName, eventName }) => ({
    ...{ trigger, dependency, path: eventPath(eventSourceName, eventName) },
  }));
}

function problemsOfPlace(
  runsIn: RunsIn,
  sluice: SensorPosition | undefined,
  moved: readonly ArgoPosition[],
  now: readonly ArgoPosition[],
): string[] {
  const problems: string[] = [];
  if (runsIn === 'both')
    problems.push('both run it: every event fires twice. Scale its Deployment of Argo Events to 0');
  if (runsIn === 'neither') problems.push('nothing runs it: its events wait on the bus, as long as the bus keeps them');
  if (sluice !== undefined && moved.length === 0 && now.length > 0) {
    problems.push(
      'it began here without the positions of Argo Events, so events may have fired twice or not at all: ' +
        'sluice.io/start-from: argo-events has an effect only before a sensor listens for the first time',
    );
  }
  for (const [index, before] of moved.entries()) {
    const after = now[index];
    if (after === undefined || !('handledTo' in before) || !('handledTo' in after)) continue;
    if (after.handledTo <= before.handledTo) continue;
    const range = `${before.handledTo + 1} to ${after.handledTo}`;
    problems.push(`trigger ${before.trigger}: Argo Events handled positions ${range} after the move: they fired twice`);
  }
  return problems;
}

function problemsOfComparison({ triggers }: ComparedSensor): string[] {
  return triggers.flatMap(({ trigger, different, onlyArgo, onlySluice }) => [
    ...(different.length > 0 ? [`trigger ${trigger}: ${different.length} objects differ`] : []),
    ...(onlyArgo.length > 0 ? [`trigger ${trigger}: ${onlyArgo.length} objects that Sluice would not create`] : []),
    ...(onlySluice.length > 0
      ? [`trigger ${trigger}: ${onlySluice.length} objects that Argo Events did not create, or that are deleted by now`]
      : []),
  ]);
}
