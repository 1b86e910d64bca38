/** Tenant A, which does its worst, and tenant B, which does its work: on the same workers, Temporal and NATS. */
import { writeYaml } from '../../src/yaml/write-yaml';
import type { TriggerOfB } from './arrivals';

const apiVersion = 'argoproj.io/v1alpha1';
export const TENANT_A = 'tenant-a';
export const TENANT_B = 'tenant-b';

export interface HostilePorts {
  readonly a: number;
  readonly b: number;
}

export interface Addresses {
  /** Takes the fires of B. */
  readonly receiver: string;
  /** Takes the fires of A, serves YAML bombs, and answers nothing on /never. */
  readonly attacker: string;
  readonly redis: string;
}

type Templates = Readonly<Record<string, object>>;

const bus = { apiVersion, kind: 'EventBus', metadata: { name: 'default' }, spec: { jetstream: { version: 'latest' } } };
const payload = [{ src: { dependencyName: 'event', dataKey: 'body.n', useRawData: true }, dest: 'n' }];
const http = (url: string) => ({ http: { url, payload } });

const workflow = {
  k8s: {
    operation: 'create',
    source: {
      resource: {
        apiVersion,
        kind: 'Workflow',
        metadata: { generateName: 'order-', annotations: { order: '' } },
        spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'busybox' } }] },
      },
    },
    parameters: [{ src: { dependencyName: 'event', dataKey: 'body.n' }, dest: 'metadata.annotations.order' }],
  },
};

/** With a filter and a transform that need the threads which all tenants share. */
export function manifestsOfB({ b }: HostilePorts, { receiver }: Addresses, trigger: TriggerOfB): string {
  return write([
    bus,
    webhooks({ orders: { port: String(b), endpoint: '/orders' } }),
    sensor(
      'orders',
      'orders',
      { count: trigger === 'http' ? http(`${receiver}/b`) : workflow },
      {
        transform: { jq: '.body.name |= ("order " + .) | .body.tags = [range(3)]' },
        filters: { script: 'return event.body.n >= 0 and string.find(event.body.name, "order") ~= nil' },
      },
    ),
  ]);
}

export function manifestsOfA({ a }: HostilePorts, { attacker, redis }: Addresses): string {
  const port = String(a);
  const yaml = { k8s: { operation: 'create', source: { url: { path: `${attacker}/bomb.yaml` } } } };
  const scripts: Templates = {
    'endless-lua': { filters: { script: 'while true do end' } },
    'large-lua': { filters: { script: 'local t = {} while true do t[#t + 1] = ("x"):rep(1000) end' } },
    'exploding-jq': { transform: { jq: `{x: [${Array(22).fill('(., .)').join(' | ')}] | length}` } },
    'endless-jq': { transform: { jq: 'def f: f; f' } },
    'endless-template': {
      filters: {
        data: [{ path: 'body.n', type: 'number', template: '{{ range until 100000000 }}x{{ end }}', value: ['1'] }],
      },
    },
  };
  return write([
    bus,
    webhooks({
      scripts: { port, endpoint: '/scripts' },
      poisoned: {
        port,
        endpoint: '/poisoned',
        filter: { expression: 'sprig.set(sprig, "hasPrefix", sprig.hasSuffix) != nil' },
      },
      flood: { port, endpoint: '/flood' },
    }),
    {
      apiVersion,
      kind: 'EventSource',
      metadata: { name: 'channel' },
      spec: { redis: { deep: { hostAddress: redis, channels: ['deep'], jsonBody: true } } },
    },
    ...Object.entries(scripts).map(([name, dependency]) => sensor(name, 'scripts', { note: { log: {} } }, dependency)),
    sensor('yaml', 'scripts', { bomb: yaml }),
    sensor('never-answered', 'scripts', { call: { http: { url: `${attacker}/never`, payload, timeout: 60 } } }),
    sensor('flood', 'flood', { call: http(`${attacker}/a`) }),
    sensor('deep', 'deep', { note: { log: {} } }, {}, 'channel'),
  ]);
}

function write(documents: readonly object[]): string {
  return documents.map((document) => writeYaml(document)).join('---\n');
}

function webhooks(webhook: object): object {
  return { apiVersion, kind: 'EventSource', metadata: { name: 'hooks' }, spec: { webhook } };
}

function sensor(name: string, eventName: string, templates: Templates, more: object = {}, eventSourceName = 'hooks') {
  const dependencies = [{ name: 'event', eventSourceName, eventName, ...more }];
  const triggers = Object.entries(templates).map(([trigger, template]) => ({
    template: { name: trigger, ...template },
  }));
  return { apiVersion, kind: 'Sensor', metadata: { name }, spec: { dependencies, triggers } };
}
