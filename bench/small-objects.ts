/** Manifests of many small objects: each event source reads one Redis stream, each sensor takes one event of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeYaml } from '../src/yaml/write-yaml';

const BUS = 'jetstream-event-bus';
const EVENT = 'scene';

export const streamOf = (source: number): string => `small-${source}`;
export const sensorName = (sensor: number): string => `small-${sensor}`;
const sourceName = streamOf;

export interface SmallObjects {
  readonly sensors: number;
  readonly eventSources: number;
}

/** Writes a bus, the event sources and the sensors, each kind into a file of its own. */
export async function writeSmallObjects(folder: string, { sensors, eventSources }: SmallObjects): Promise<void> {
  const bus = { ...head('EventBus', BUS), spec: { jetstream: { version: 'latest' } } };
  const files = {
    'bus.yaml': [bus],
    'sources.yaml': Array.from({ length: eventSources }, (_, index) => eventSource(index)),
    'sensors.yaml': Array.from({ length: sensors }, (_, index) => sensor(index, index % eventSources)),
  };
  for (const [name, documents] of Object.entries(files)) {
    await writeFile(join(folder, name), documents.map((document) => writeYaml(document)).join('---\n'));
  }
}

function head(kind: string, name: string): object {
  return { apiVersion: 'argoproj.io/v1alpha1', kind, metadata: { name } };
}

function eventSource(index: number): object {
  const stream = {
    hostAddress: 'redis-service:6379',
    db: 0,
    consumerGroup: sourceName(index),
    maxMsgCountPerRead: 100,
    streams: [streamOf(index)],
  };
  return {
    ...head('EventSource', sourceName(index)),
    spec: { eventBusName: BUS, redisStream: { [EVENT]: stream } },
  };
}

/** Several sensors share a source; a filter lets each event through to one of them. */
function sensor(index: number, source: number): object {
  const name = sensorName(index);
  const dependency = {
    name: EVENT,
    eventSourceName: sourceName(source),
    eventName: EVENT,
    filters: { data: [{ path: 'values.sensor', type: 'string', value: [name] }] },
  };
  const workflow = {
    ...head('Workflow', ''),
    metadata: { generateName: `${name}-` },
    spec: {
      workflowTemplateRef: { name: 'water-bodies-detection' },
      arguments: { parameters: [{ name: 'items', value: '' }] },
    },
  };
  const template = {
    name: 'detect',
    k8s: {
      operation: 'create',
      source: { resource: workflow },
      parameters: [
        { src: { dependencyName: EVENT, dataKey: 'values.href' }, dest: 'spec.arguments.parameters.0.value' },
      ],
    },
  };
  return {
    ...head('Sensor', name),
    spec: { eventBusName: BUS, dependencies: [dependency], triggers: [{ template }] },
  };
}
