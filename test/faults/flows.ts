/** What flows through the system under faults: each event name is a Redis stream, each flow a sensor with one trigger. */
export const NAMESPACE = 'default';
export const EVENT_SOURCE = 'faults';
export const CONSUMER_GROUP = 'faults';
export const REDIS_NAME = 'redis:6379';

export interface Flow {
  readonly name: 'plain' | 'pair' | 'three' | 'http' | 'limited';
  /** One entry of each makes one effect. */
  readonly eventNames: readonly string[];
  /** Entries a round, of each event name. */
  readonly share: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export const FLOWS: readonly Flow[] = [
  { name: 'plain', eventNames: ['plain'], share: 3, annotations: {} },
  { name: 'pair', eventNames: ['left', 'right'], share: 1, annotations: { 'sluice.io/correlate-by': 'values.n' } },
  { name: 'three', eventNames: ['a', 'b', 'c'], share: 1, annotations: { 'sluice.io/keep': 'all' } },
  { name: 'http', eventNames: ['http'], share: 2, annotations: {} },
  { name: 'limited', eventNames: ['limited'], share: 2, annotations: { 'sluice.io/concurrency': '5' } },
];

export const EVENT_NAMES: readonly string[] = FLOWS.flatMap(({ eventNames }) => eventNames);

export function flowOf(eventName: string): Flow {
  const flow = FLOWS.find(({ eventNames }) => eventNames.includes(eventName));
  if (flow === undefined) throw new Error(`no flow has an event named ${eventName}`);
  return flow;
}
