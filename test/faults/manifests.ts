/** The manifests of the flows. */
import { writeYaml } from '../../src/yaml/write-yaml';
import { CONSUMER_GROUP, EVENT_NAMES, EVENT_SOURCE, FLOWS, REDIS_NAME, type Flow } from './flows';

const apiVersion = 'argoproj.io/v1alpha1';

export interface Variant {
  /** Plain events of every tenth number are filtered out, and the sensor has a second trigger. */
  readonly changed: boolean;
}

export function manifests(receiverUrl: string, { changed }: Variant): string {
  const redisStream = Object.fromEntries(
    EVENT_NAMES.map((name) => [name, { hostAddress: REDIS_NAME, consumerGroup: CONSUMER_GROUP, streams: [name] }]),
  );
  const documents = [
    { apiVersion, kind: 'EventBus', metadata: { name: 'default' }, spec: { jetstream: { version: 'latest' } } },
    { apiVersion, kind: 'EventSource', metadata: { name: EVENT_SOURCE }, spec: { redisStream } },
    ...FLOWS.map((flow) => sensor(flow, receiverUrl, changed && flow.name === 'plain')),
  ];
  return documents.map((document) => writeYaml(document)).join('---\n');
}

function sensor(flow: Flow, receiverUrl: string, changed: boolean): object {
  const { name, eventNames, annotations } = flow;
  const filters = { data: [{ path: 'values.color', type: 'string', value: ['blue'] }] };
  const dependencies = eventNames.map((eventName) => ({
    name: eventName,
    eventSourceName: EVENT_SOURCE,
    eventName,
    ...(changed ? { filters } : {}),
  }));
  const trigger = name === 'http' ? httpTrigger(receiverUrl) : workflowTrigger(flow);
  const second = { template: { name: 'note', conditions: eventNames.join(' && '), log: {} } };
  const triggers = [
    { template: { name: 'effect', conditions: eventNames.join(' && '), ...trigger } },
    ...(changed ? [second] : []),
  ];
  return { apiVersion, kind: 'Sensor', metadata: { name, annotations }, spec: { dependencies, triggers } };
}

function httpTrigger(url: string): object {
  return {
    http: { url, method: 'POST', payload: [{ src: { dependencyName: 'http', dataKey: 'values.n' }, dest: 'n' }] },
  };
}

function workflowTrigger({ name, eventNames }: Flow): object {
  const resource = {
    apiVersion,
    kind: 'Workflow',
    metadata: { generateName: `${name}-` },
    spec: {
      entrypoint: 'main',
      arguments: { parameters: eventNames.map((eventName) => ({ name: eventName, value: '' })) },
    },
  };
  const parameters = eventNames.map((dependencyName, index) => ({
    src: { dependencyName, dataKey: 'values.n' },
    dest: `spec.arguments.parameters.${index}.value`,
  }));
  return { k8s: { operation: 'create', source: { resource }, parameters } };
}
