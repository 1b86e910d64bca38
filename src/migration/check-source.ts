/** Checks the move of one EventSource: who reads it, its Redis consumer groups, and the Service of its webhooks. */
import { setTimeout as delay } from 'node:timers/promises';
import { serviceName } from '../controller/event-source-service';
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import type { SecretReader } from '../kubernetes/secrets';
import type { EventSource } from '../manifest/event-source';
import { readRedisGroups, type RedisGroup } from './redis-groups';
import type { ClusterFacts } from './cluster-facts';
import type { RunsIn } from './inventory';

export interface SourceCheck {
  readonly object: string;
  readonly runsIn: RunsIn;
  readonly groups: readonly RedisGroup[];
  /** Where the Service leads; absent without one. */
  readonly service?: { readonly name: string; readonly leadsTo: 'argo-events' | 'sluice' };
  readonly problems: readonly string[];
}

/** A reader of Argo Events asks every two seconds, so one that was silent for longer has stopped. */
const SILENT_AFTER_MS = 10_000;
const LOOK_AGAIN_AFTER_MS = 3_000;

export async function checkSource(
  source: EventSource,
  namespace: string,
  runsIn: RunsIn,
  facts: Pick<ClusterFacts, 'services'>,
  secrets: SecretReader,
  signal: AbortSignal,
): Promise<SourceCheck> {
  const { name } = source.metadata;
  const read = () => readRedisGroups(source, namespace, secrets, signal);
  const first = await read();
  const isRecent = foreignReaders(first.groups).some(({ idleMs }) => idleMs < SILENT_AFTER_MS);
  if (runsIn === 'sluice' && isRecent) await delay(LOOK_AGAIN_AFTER_MS, undefined, { signal });
  const { groups, problems } = runsIn === 'sluice' && isRecent ? await read() : first;
  const service = facts.services.find(
    ({ metadata }) =>
      metadata.namespace === namespace && metadata.name === serviceName({ ...NO_KIND, metadata: { name } }),
  );
  const leadsTo = service && (isOfArgo(service) ? ('argo-events' as const) : ('sluice' as const));
  return {
    ...{ object: `EventSource ${namespace}/${name}`, runsIn, groups },
    ...(service && leadsTo && { service: { name: service.metadata.name ?? '', leadsTo } }),
    problems: [
      ...problems,
      ...problemsOfPlace(runsIn, leadsTo, source.spec.service !== undefined),
      ...groups.flatMap((group) => problemsOfGroup(group, runsIn, foreignReaders(first.groups))),
    ],
  };
}

const NO_KIND = { apiVersion: '', kind: '' };

function isOfArgo({ spec }: KubernetesObject): boolean {
  const selector = isRecord(spec) ? spec['selector'] : undefined;
  return isRecord(selector) && selector['eventsource-name'] !== undefined;
}

function problemsOfPlace(runsIn: RunsIn, leadsTo: 'argo-events' | 'sluice' | undefined, isCalled: boolean): string[] {
  const problems: string[] = [];
  if (runsIn === 'neither') problems.push('nothing reads it');
  if (runsIn === 'both' && !isCalled) {
    problems.push('both read it: events may come twice. Scale its Deployment of Argo Events to 0');
  }
  if ((runsIn === 'sluice' || runsIn === 'both') && leadsTo === 'argo-events') {
    problems.push('its Service still leads to pods of Argo Events: is SLUICE_SERVICE_SELECTOR set for the controller?');
  }
  return problems;
}

interface Reader {
  readonly stream: string;
  readonly name: string;
  readonly idleMs: number;
}

function foreignReaders(groups: readonly RedisGroup[]): Reader[] {
  return groups.flatMap(({ stream, consumers }) =>
    consumers.flatMap(({ name, idleMs }) => (name.startsWith('sluice-') ? [] : [{ stream, name, idleMs }])),
  );
}

function problemsOfGroup(
  { stream, group, consumers, exists }: RedisGroup,
  runsIn: RunsIn,
  before: readonly Reader[],
): string[] {
  if (!exists) {
    return runsIn === 'argo-events' ? [`stream ${stream} has no group ${group} yet: Sluice would read it all`] : [];
  }
  if (runsIn !== 'sluice') return [];
  return consumers.flatMap(({ name, idleMs, pending }) => {
    if (name.startsWith('sluice-')) return [];
    const earlier = before.find((reader) => reader.stream === stream && reader.name === name);
    const hasAsked = earlier !== undefined && earlier.idleMs < SILENT_AFTER_MS && idleMs <= earlier.idleMs;
    if (hasAsked) return [`consumer ${name} still reads stream ${stream}: Argo Events is running`];
    return pending > 0 ? [`${pending} entries of stream ${stream} are pending with consumer ${name}`] : [];
  });
}
