/** The connections that a migration command needs: the cluster, and the bus of an object. */
import { connectBus } from '../bus/connect';
import type { Bus } from '../bus/bus';
import type { ProcessEnvironment } from '../control/process-environment';
import type { EventBusDefinition, SensorDefinition } from '../contract/definitions';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { createExpressionEngine, createExpressionSyntax } from '../expressions';
import type { ExpressionEngine } from '../expressions/engine';
import { createKubernetesAccess, type OpenCluster } from '../kubernetes/access';
import { createSecretReader } from '../kubernetes/secret-readers';
import type { SecretReader } from '../kubernetes/secrets';
import { closestMatch } from '../text/closest-match';
import type { ManifestKind } from '../validation/parse-manifest';
import { readClusterFacts, type ClusterFacts } from './cluster-facts';
import { takeInventory, type Inventory, type InventoryObject } from './inventory';

export interface Migration {
  readonly cluster: OpenCluster;
  readonly facts: ClusterFacts;
  readonly inventory: Inventory;
  readonly secrets: SecretReader;
  readonly engine: ExpressionEngine;
  /** Opens the bus that an object uses, without creating anything on it. */
  withBus<Result>(namespace: string, name: string, work: (bus: Bus) => Promise<Result>): Promise<Result>;
}

export interface MigrationScope {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly temporalNamespace: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_BUS = 'default';

export async function withMigration<Result>(
  scope: MigrationScope,
  environment: ProcessEnvironment,
  progress: (step: string) => void,
  work: (migration: Migration) => Promise<Result>,
): Promise<Result> {
  const env = { ...environment.env };
  const kubernetes = createKubernetesAccess({ env });
  const engine = createExpressionEngine();
  try {
    const cluster = await kubernetes.open();
    const facts = await readClusterFacts(cluster.client, scope.namespace, progress);
    progress('checking the objects');
    const inventory = await takeInventory(facts, createExpressionSyntax(engine));
    const secrets = createSecretReader({ kubernetes, env });
    return await work({
      ...{ cluster, facts, inventory, secrets, engine },
      withBus: async (namespace, name, use) => {
        const definition = busDefinition(inventory, namespace, name);
        const url = environment.env['SLUICE_BUS_URL'];
        const giveUp = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
        const bus = await connectBus(definition, secrets, {
          ...{ temporalNamespace: scope.temporalNamespace, readOnly: true, signal: giveUp },
          ...(url && { url }),
        }).catch((error: unknown) => {
          throw inReach(error, definition);
        });
        return await use(bus).finally(() => bus.close());
      },
    });
  } finally {
    await engine.close();
    kubernetes.close();
  }
}

/** Throws OBJECT_UNKNOWN with the names that exist. */
export function requireObject(
  { objects }: Inventory,
  kind: ManifestKind,
  namespace: string,
  name: string,
): InventoryObject {
  const ofKind = objects.filter((object) => object.kind === kind && object.namespace === namespace);
  const found = ofKind.find((object) => object.name === name);
  if (found !== undefined) return found;
  const names = ofKind.map((object) => object.name);
  const meant = closestMatch(name, names);
  throw new SluiceError('OBJECT_UNKNOWN', {
    message: `namespace ${namespace} has no ${kind} ${name}`,
    fix: meant === undefined ? `It has: ${names.join(', ') || 'none'}` : `Did you mean ${meant}?`,
  });
}

/** Throws MANIFEST_INVALID for a Sensor that does not run here. */
export function sensorDefinition(inventory: Inventory, object: InventoryObject): SensorDefinition {
  const { namespace, name, manifest } = object;
  if (manifest?.kind !== 'Sensor') throw doesNotRunHere(object);
  const { spec } = manifest.object;
  const bus = busDefinition(inventory, namespace, spec.eventBusName || DEFAULT_BUS);
  return { namespace, name, spec, options: manifest.options, bus };
}

export function doesNotRunHere({ kind, namespace, name }: InventoryObject): SluiceError {
  return new SluiceError('MANIFEST_INVALID', {
    message: `${kind} ${namespace}/${name} does not run here`,
    fix: 'sluice migrate inventory says why',
  });
}

function busDefinition(inventory: Inventory, namespace: string, name: string): EventBusDefinition {
  const found = requireObject(inventory, 'EventBus', namespace, name);
  if (found.manifest?.kind !== 'EventBus') throw doesNotRunHere(found);
  const { object, options } = found.manifest;
  return { namespace, name, spec: object.spec, options };
}

/** NATS of a cluster usually has an address that only pods can use. */
function inReach(error: unknown, { namespace, name }: EventBusDefinition): unknown {
  if (!isSluiceError(error) || error.code !== 'BUS_UNREACHABLE') return error;
  return new SluiceError('BUS_UNREACHABLE', {
    message: `EventBus ${namespace}/${name}: ${error.message}`,
    fix: `Forward its port and name it: kubectl port-forward -n ${namespace} svc/eventbus-${name}-js-svc 4222, then SLUICE_BUS_URL=nats://127.0.0.1:4222`,
    cause: error,
  });
}
