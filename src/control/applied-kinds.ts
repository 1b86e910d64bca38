/** The three kinds that operators apply, and the workflow type of each. */
import type { ManifestKind } from '../validation/parse-manifest';
import {
  DEFAULT_TASK_QUEUES,
  eventBusWorkflowId,
  eventSourceWorkflowId,
  sensorWorkflowId,
  WORKFLOW_TYPES,
} from '../contract/identity';
import { SluiceError } from '../errors/sluice-error';
import { closestMatch } from '../text/closest-match';
import type { ProcessEnvironment } from './process-environment';

/** Task queues that are named; those of the included workers otherwise. */
export interface TaskQueues {
  readonly eventSource?: string;
  readonly sensor?: string;
}

export interface AppliedKind {
  readonly kind: ManifestKind;
  /** As commands print and accept it: `sensor/water-bodies`. */
  readonly word: string;
  readonly plural: string;
  readonly workflowType: string;
  workflowId(namespace: string, name: string): string;
  readonly queue: keyof TaskQueues;
}

export const APPLIED_KINDS: Readonly<Record<ManifestKind, AppliedKind>> = {
  EventBus: {
    kind: 'EventBus',
    word: 'bus',
    plural: 'buses',
    workflowType: WORKFLOW_TYPES.eventBus,
    workflowId: eventBusWorkflowId,
    queue: 'sensor',
  },
  EventSource: {
    kind: 'EventSource',
    word: 'source',
    plural: 'sources',
    workflowType: WORKFLOW_TYPES.eventSource,
    workflowId: eventSourceWorkflowId,
    queue: 'eventSource',
  },
  Sensor: {
    kind: 'Sensor',
    word: 'sensor',
    plural: 'sensors',
    workflowType: WORKFLOW_TYPES.sensor,
    workflowId: sensorWorkflowId,
    queue: 'sensor',
  },
};

/** In the order in which an event passes them. */
export const LIST_ORDER: readonly ManifestKind[] = ['EventBus', 'EventSource', 'Sensor'];

/** A sensor takes events from the time it was applied, so it must exist before a source publishes its first event. */
export const APPLY_ORDER: readonly ManifestKind[] = ['EventBus', 'Sensor', 'EventSource'];

/** Sensors read until they are deleted, and a bus goes after every source and sensor that uses it. */
export const DELETE_ORDER: readonly ManifestKind[] = ['Sensor', 'EventSource', 'EventBus'];

const WORDS: Readonly<Record<string, ManifestKind>> = {
  bus: 'EventBus',
  buses: 'EventBus',
  eventbus: 'EventBus',
  eventbuses: 'EventBus',
  eb: 'EventBus',
  source: 'EventSource',
  sources: 'EventSource',
  eventsource: 'EventSource',
  eventsources: 'EventSource',
  es: 'EventSource',
  sensor: 'Sensor',
  sensors: 'Sensor',
  sn: 'Sensor',
};

/** Parses `sensor`, `Sensors`, `es` …, as kubectl accepts them for Argo Events. Throws USAGE. */
export function parseKind(word: string): AppliedKind {
  const kind = WORDS[word.toLowerCase()];
  if (kind) return APPLIED_KINDS[kind];
  const meant = closestMatch(word, Object.keys(WORDS));
  const hint = meant === undefined ? '' : `Did you mean ${meant}? `;
  throw new SluiceError('USAGE', { message: `Unknown kind "${word}"`, fix: `${hint}Write bus, source or sensor` });
}

export interface ObjectAddress {
  readonly kind: AppliedKind;
  readonly namespace: string;
  readonly name: string;
}

/** Parses `sensor/water-bodies`. Throws USAGE. */
export function parseObjectAddress(word: string, namespace: string): ObjectAddress {
  const [kind = '', name = '', ...rest] = word.split('/');
  if (name === '' || rest.length > 0) {
    throw new SluiceError('USAGE', {
      message: `"${word}" does not name one object`,
      fix: 'Write KIND NAME or KIND/NAME, for instance sensor/water-bodies',
    });
  }
  return { kind: parseKind(kind), namespace, name };
}

/** Parses `sensor/water-bodies source/stac` or `sensor water-bodies scenes`; each object once. Throws USAGE. */
export function parseObjectAddresses(words: readonly string[], namespace: string): ObjectAddress[] {
  const [kind = '', ...names] = words;
  const isKindFirst = names.length > 0 && !words.some((word) => word.includes('/'));
  const wholes = isKindFirst ? names.map((name) => `${kind}/${name}`) : words;
  const addresses = wholes.map((word) => parseObjectAddress(word, namespace));
  const first = new Map(addresses.map((address) => [`${address.kind.kind}/${address.name}`, address]));
  return [...first.values()];
}

/** Returns the Kubernetes namespace to use if neither manifest nor `-n` names one. */
export function defaultNamespace(environment: ProcessEnvironment): string {
  return environment.env['SLUICE_NAMESPACE'] || 'default';
}

export function taskQueuesOf(
  options: { eventSourceTaskQueue?: string; sensorTaskQueue?: string },
  { env }: ProcessEnvironment,
): TaskQueues {
  const eventSource = options.eventSourceTaskQueue ?? (env['SLUICE_EVENT_SOURCE_TASK_QUEUE'] || undefined);
  const sensor = options.sensorTaskQueue ?? (env['SLUICE_SENSOR_TASK_QUEUE'] || undefined);
  return { ...(eventSource !== undefined && { eventSource }), ...(sensor !== undefined && { sensor }) };
}

/** Returns the queue on which an object of this kind starts. */
export function taskQueueOf({ queue }: AppliedKind, queues: TaskQueues): string {
  return queues[queue] ?? DEFAULT_TASK_QUEUES[queue];
}
