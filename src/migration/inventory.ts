/** Which objects of a cluster run here as they are, which differ and how, and which stay with Argo Events. */
import type { ExpressionSyntax } from '../expressions/expression-syntax';
import { manifestOf } from '../controller/cluster-object';
import { serviceName } from '../controller/event-source-service';
import { isSupportedSource } from '../kinds/source-kinds';
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import type { Problem } from '../manifest/problem';
import { loadManifestText } from '../validation/load-manifests';
import type { ManifestDocument } from '../validation/manifest-document';
import type { ManifestKind } from '../validation/parse-manifest';
import { declaredEvents } from '../validation/validate-event-source';
import { controllerArguments, type ClusterFacts } from './cluster-facts';

/** `same`: as it is. `differs`: runs, with the warnings of `sluice validate`. `stays`: does not run here. */
export type MoveVerdict = 'same' | 'differs' | 'stays';

export type RunsIn = 'argo-events' | 'sluice' | 'both' | 'neither';

export interface InventoryObject {
  readonly kind: ManifestKind;
  readonly namespace: string;
  readonly name: string;
  readonly verdict: MoveVerdict;
  readonly runsIn: RunsIn;
  readonly problems: readonly Problem[];
  /** Absent if it does not run here. */
  readonly manifest?: ManifestDocument;
}

export interface InventoryBus {
  readonly namespace: string;
  readonly name: string;
  /** Who keeps NATS running. */
  readonly natsOf: 'argo-events' | 'owner' | 'nobody';
  readonly explanation: string;
  /** `StatefulSet/eventbus-default-js` …: deleted with the EventBus, because it owns them. */
  readonly parts: readonly string[];
}

/** A Service that leads to pods of Argo Events. */
export interface InventoryService {
  readonly namespace: string;
  readonly name: string;
  readonly eventSource: string;
  /** The controller of Sluice takes it over with the EventSource. */
  readonly isTakenOver: boolean;
}

export interface InventoryController {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** Absent: all namespaces. */
  readonly managedNamespace?: string;
}

export interface Inventory {
  readonly objects: readonly InventoryObject[];
  readonly buses: readonly InventoryBus[];
  readonly services: readonly InventoryService[];
  readonly controllers: readonly InventoryController[];
  readonly unreadable: readonly string[];
}

export async function takeInventory(facts: ClusterFacts, expressions: ExpressionSyntax): Promise<Inventory> {
  const objects: InventoryObject[] = [];
  for (const [namespace, group] of byNamespace(facts.objects)) {
    const text = group.map(({ object }) => manifestOf(object)).join('\n---\n');
    const { documents, problems } = await loadManifestText(text, '', { expressions });
    for (const { kind, object } of group) {
      const name = object.metadata.name ?? '';
      const label = `${kind}/${name}`;
      const own = problems.filter((problem) => problem.object === label).map(withoutPlace);
      const manifest = documents.find((each) => each.kind === kind && each.object.metadata.name === name);
      const verdict = verdictOf(own, manifest);
      objects.push({
        ...{ kind, namespace, name, verdict, problems: own },
        runsIn: whereItRuns(kind, object, facts),
        ...(manifest !== undefined && verdict !== 'stays' && { manifest }),
      });
    }
  }
  return {
    objects,
    buses: facts.objects.flatMap(({ kind, object }) => (kind === 'EventBus' ? [describeBus(object, facts)] : [])),
    services: facts.services.flatMap((service) => describeService(service, facts)),
    controllers: facts.controllers.map(describeController),
    unreadable: facts.unreadable,
  };
}

/** Returns the Deployment of Argo Events that runs a sensor or event source. */
export function findDeployment(
  { deployments }: Pick<ClusterFacts, 'deployments'>,
  kind: ManifestKind,
  namespace: string,
  name: string,
): KubernetesObject | undefined {
  const label = kind === 'Sensor' ? 'sensor-name' : 'eventsource-name';
  return deployments.find(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[label] === name);
}

export function replicasOf({ spec }: KubernetesObject): number {
  const replicas = isRecord(spec) ? spec['replicas'] : undefined;
  return typeof replicas === 'number' ? replicas : 1;
}

/** Lines and columns would be those of a text that only this program has seen. */
function withoutPlace({ line: _line, column: _column, ...problem }: Problem): Problem {
  return problem;
}

function verdictOf(problems: readonly Problem[], manifest: ManifestDocument | undefined): MoveVerdict {
  if (manifest === undefined || problems.some(({ severity }) => severity !== 'warning')) return 'stays';
  // Kinds that are not read are only a warning: the object is valid, and Argo Events reads it.
  const events = manifest.kind === 'EventSource' ? declaredEvents(manifest.object.spec) : [];
  if (events.some((event) => !isSupportedSource(event.kind))) return 'stays';
  return problems.length === 0 ? 'same' : 'differs';
}

function whereItRuns(kind: ManifestKind, object: KubernetesObject, facts: ClusterFacts): RunsIn {
  const { namespace = '', name = '', uid } = object.metadata;
  const deployment = kind === 'EventBus' ? undefined : findDeployment(facts, kind, namespace, name);
  const isInArgo =
    kind === 'EventBus'
      ? facts.busParts.some((part) => part.kind === 'StatefulSet' && isOwned(part, uid))
      : deployment !== undefined && replicasOf(deployment) > 0;
  const isHere = isReadyHere(object);
  return isInArgo && isHere ? 'both' : isInArgo ? 'argo-events' : isHere ? 'sluice' : 'neither';
}

/** Argo Events writes no condition of this type. */
export function isReadyHere({ status }: KubernetesObject): boolean {
  const conditions: unknown = isRecord(status) ? status['conditions'] : undefined;
  if (!Array.isArray(conditions)) return false;
  return conditions.some((each: unknown) => isRecord(each) && each['type'] === 'Ready' && each['status'] === 'True');
}

function describeBus(object: KubernetesObject, facts: ClusterFacts): InventoryBus {
  const { namespace = '', name = '', uid } = object.metadata;
  const spec = isRecord(object.spec) ? object.spec : {};
  const parts = facts.busParts
    .filter((part) => isOwned(part, uid))
    .map((part) => `${part.kind}/${part.metadata.name ?? ''}`);
  const about = { namespace, name, parts };
  if (isRecord(spec['jetstreamExotic'])) {
    const url = spec['jetstreamExotic']['url'];
    const explanation = `NATS at ${typeof url === 'string' ? url.replace(/\/\/[^@/]*@/, '//***@') : '?'} is yours: nothing changes`;
    return { ...about, natsOf: 'owner', explanation };
  }
  if (isRecord(spec['jetstream'])) {
    return {
      ...about,
      natsOf: 'argo-events',
      explanation:
        parts.length === 0
          ? "Argo's controller makes NATS for it, and has not, or this user may not see it"
          : "Argo's controller made its NATS: it keeps running without the controller, which then no longer changes it, " +
            'and is deleted with the EventBus object until the plan has released it',
    };
  }
  const explanation = 'it does not run on JetStream: sluice migrate eventbus writes one that does';
  return { ...about, natsOf: 'nobody', explanation };
}

function describeService(service: KubernetesObject, facts: ClusterFacts): InventoryService[] {
  const { namespace = '', name = '' } = service.metadata;
  const selector = isRecord(service.spec) ? service.spec['selector'] : undefined;
  const eventSource = isRecord(selector) ? (selector['eventsource-name'] ?? selector['owner-name']) : undefined;
  if (typeof eventSource !== 'string') return [];
  const source = facts.objects.find(
    ({ kind, object }) =>
      kind === 'EventSource' && object.metadata.namespace === namespace && object.metadata.name === eventSource,
  );
  if (source === undefined) return [];
  const isTakenOver = serviceName(source.object) === name && isOwned(service, source.object.metadata.uid);
  return [{ namespace, name, eventSource, isTakenOver }];
}

function describeController(deployment: KubernetesObject): InventoryController {
  const { namespace = '', name = '' } = deployment.metadata;
  const args = controllerArguments(deployment) ?? [];
  const managed = valueOf(args, '--managed-namespace') ?? namespace;
  const isNamespaced = args.some((text) => text === '--namespaced' || text === '--namespaced=true');
  return { namespace, name, replicas: replicasOf(deployment), ...(isNamespaced && { managedNamespace: managed }) };
}

function valueOf(args: readonly string[], option: string): string | undefined {
  const index = args.findIndex((text) => text === option || text.startsWith(`${option}=`));
  if (index < 0) return undefined;
  return args[index]?.includes('=') === true ? args[index].slice(option.length + 1) : args[index + 1];
}

function isOwned({ metadata }: KubernetesObject, uid: string | undefined): boolean {
  return uid !== undefined && (metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
}

function byNamespace(objects: ClusterFacts['objects']): Map<string, ClusterFacts['objects'][number][]> {
  const groups = new Map<string, ClusterFacts['objects'][number][]>();
  for (const each of objects) {
    const { namespace = '' } = each.object.metadata;
    groups.set(namespace, [...(groups.get(namespace) ?? []), each]);
  }
  return groups;
}
