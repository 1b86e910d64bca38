/** Manifests of the scenarios beside the water-bodies example: one event source of many streams, a sensor for each. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeYaml } from '../src/yaml/write-yaml';

const BUS = 'jetstream-event-bus';
const SOURCE = 'bench-scenarios';

/** Events and their Redis streams. */
export const STREAMS = {
  call: 'bench-calls',
  left: 'bench-left',
  right: 'bench-right',
  dull: 'bench-dull',
  live: 'bench-live',
  backfill: 'bench-backfill',
} as const;

type EventName = keyof typeof STREAMS;

/** The sensor that drops every event by a filter. */
export const DULL_SENSOR = 'bench-dull';
export const CALLS_PATH = '/calls';
export const PAIRS_PATH = '/pairs';

/** Writes them as files of a folder. `targetUrl`: where HTTP triggers send their requests. */
export async function writeScenarioObjects(folder: string, targetUrl: string): Promise<void> {
  const objects = [
    eventSource(),
    sensor('bench-calls', {}, ['call'], httpTrigger(`${targetUrl}${CALLS_PATH}`, ['call'])),
    sensor(
      'bench-pairs',
      { 'sluice.io/keep': 'all', 'sluice.io/correlate-by': 'values.pair' },
      ['left', 'right'],
      httpTrigger(`${targetUrl}${PAIRS_PATH}`, ['left', 'right'], 'left && right'),
    ),
    sensor(DULL_SENSOR, {}, ['dull'], { name: 'write', log: {} }, 'wanted'),
    sensor('bench-live', { 'sluice.io/priority': '1' }, ['live'], workflowTrigger('live')),
    sensor('bench-backfill', { 'sluice.io/priority': '5' }, ['backfill'], workflowTrigger('backfill')),
  ];
  await writeFile(join(folder, 'scenarios.yaml'), objects.map((object) => writeYaml(object)).join('---\n'));
}

function eventSource(): object {
  const streams = Object.entries(STREAMS).map(([event, stream]) => [
    event,
    {
      hostAddress: 'redis-service:6379',
      db: 0,
      consumerGroup: SOURCE,
      maxMsgCountPerRead: 500,
      streams: [stream],
    },
  ]);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'EventSource',
    metadata: { name: SOURCE },
    spec: { eventBusName: BUS, redisStream: Object.fromEntries(streams) as object },
  };
}

function sensor(
  name: string,
  annotations: Readonly<Record<string, string>>,
  events: readonly EventName[],
  template: object,
  wanted?: string,
): object {
  const filters = { data: [{ path: 'values.kind', type: 'string', value: [wanted] }] };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name, annotations },
    spec: {
      eventBusName: BUS,
      dependencies: events.map((event) => ({
        name: event,
        eventSourceName: SOURCE,
        eventName: event,
        ...(wanted !== undefined && { filters }),
      })),
      triggers: [{ template }],
    },
  };
}

function httpTrigger(url: string, events: readonly EventName[], conditions?: string): object {
  return {
    name: 'call',
    ...(conditions !== undefined && { conditions }),
    http: {
      url,
      method: 'POST',
      payload: events.map((event) => ({ src: { dependencyName: event, dataKey: 'values.href' }, dest: event })),
    },
  };
}

function workflowTrigger(event: EventName): object {
  const resource = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { generateName: `${event}-` },
    spec: {
      workflowTemplateRef: { name: 'water-bodies-detection' },
      arguments: { parameters: [{ name: 'items', value: '' }] },
    },
  };
  const parameters = [
    { src: { dependencyName: event, dataKey: 'values.href' }, dest: 'spec.arguments.parameters.0.value' },
  ];
  return { name: 'detect', k8s: { operation: 'create', source: { resource }, parameters } };
}
