/** The steps that move a cluster from Argo Events to Sluice, object by object, each with the way back. Pure. */
import { unreadFate } from '../kinds/source-kinds';
import { declaredEvents } from '../validation/validate-event-source';
import type { Inventory, InventoryBus, InventoryObject } from './inventory';

export interface PlanStep {
  /** `sensor/argo/water-bodies`: stable, for scripts. */
  readonly id: string;
  readonly title: string;
  readonly why: string;
  /** Lines of a shell script: each must succeed. */
  readonly run: readonly string[];
  /** Undoes it; to go back, follow them from the last step to the first. */
  readonly back: readonly string[];
}

export interface Plan {
  readonly steps: readonly PlanStep[];
  /** What needs a decision of a person before or during the move. */
  readonly cautions: readonly string[];
}

export interface PlanOptions {
  /** Value of the label `sluice.io/class`. */
  readonly sluiceClass: string;
}

const TIMEOUT = '--timeout=2m';

export function planMigration(inventory: Inventory, options: PlanOptions): Plan {
  const { objects, buses, controllers } = inventory;
  const movable = objects.filter(({ verdict }) => verdict !== 'stays');
  const steps: PlanStep[] = [
    installStep(objects, options),
    ...movable.flatMap((object) => (object.kind === 'Sensor' ? [compareStep(object)] : [])),
    ...controllers.map(({ namespace, name, replicas }) => ({
      id: `controller/${namespace}/${name}`,
      title: `Stop the controller of Argo Events, ${namespace}/${name}`,
      why: 'It would restart what the next steps stop. The pods that it made keep running.',
      run: [`kubectl scale -n ${namespace} deployment/${name} --replicas=0`],
      back: [`kubectl scale -n ${namespace} deployment/${name} --replicas=${Math.max(1, replicas)}`],
    })),
    ...movable.flatMap((object) => (object.kind === 'EventBus' ? [busStep(object, options)] : [])),
    ...movable.flatMap((object) => (object.kind === 'Sensor' ? [sensorStep(object, options)] : [])),
    ...movable.flatMap((object) => (object.kind === 'EventSource' ? [sourceStep(object, options)] : [])),
    ...buses.flatMap(releaseStep),
    definitionsStep(),
  ];
  return { steps, cautions: cautionsOf(inventory, movable) };
}

function installStep(objects: readonly InventoryObject[], { sluiceClass }: PlanOptions): PlanStep {
  const namespaces = [...new Set(objects.map(({ namespace }) => namespace))].sort();
  const accounts = [...new Set(objects.flatMap(accountOf))].sort();
  return {
    id: 'install',
    title: 'Install Sluice beside Argo Events',
    why: `It takes only objects with the label sluice.io/class=${sluiceClass}, so nothing moves yet. nats.url stays empty: both use the NATS that each EventBus names.`,
    run: [
      `helm upgrade --install sluice deploy/helm/sluice -n sluice --create-namespace --set controller.class=${sluiceClass} ` +
        `--set "namespaces={${namespaces.join(',')}}" --set image.repository="$IMAGE" --set temporal.address="$TEMPORAL_ADDRESS"` +
        (accounts.length === 0 ? '' : ` --set "sensor.triggerServiceAccounts={${accounts.join(',')}}"`),
    ],
    back: ['helm uninstall sluice -n sluice'],
  };
}

/** Without the right to act as this account, the triggers of the Sensor are parked. */
function accountOf({ manifest }: InventoryObject): string[] {
  const account = manifest?.kind === 'Sensor' ? manifest.object.spec.template?.serviceAccountName : undefined;
  return account === undefined || account === '' ? [] : [account];
}

function compareStep({ namespace, name }: InventoryObject): PlanStep {
  return {
    id: `compare/${namespace}/${name}`,
    title: `Compare Sensor ${namespace}/${name} with what Argo Events created`,
    why: 'Sluice reads the events of the last hour from the bus, decides without acting, and compares. Repeat until nothing differs.',
    run: [`npx sluice migrate check sensor/${name} -n ${namespace} --since 1h`],
    back: [],
  };
}

function busStep({ namespace, name }: InventoryObject, options: PlanOptions): PlanStep {
  return {
    id: `eventbus/${namespace}/${name}`,
    title: `EventBus ${namespace}/${name}`,
    why: 'Sluice uses the same stream; NATS and its events stay where they are.',
    run: [...label('eventbus', namespace, name, options), ready('eventbus', namespace, name)],
    back: unlabel('eventbus', namespace, name),
  };
}

function sensorStep({ namespace, name }: InventoryObject, options: PlanOptions): PlanStep {
  const pods = `controller=sensor-controller,sensor-name=${name}`;
  return {
    id: `sensor/${namespace}/${name}`,
    title: `Sensor ${namespace}/${name}`,
    why: 'Events wait on the bus for the seconds between the two; Sluice begins where the consumers of Argo Events stopped, for each trigger.',
    run: [
      ...stop(namespace, pods),
      `kubectl annotate -n ${namespace} sensor/${name} sluice.io/start-from=argo-events --overwrite`,
      ...label('sensor', namespace, name, options),
      ready('sensor', namespace, name),
      `npx sluice migrate check sensor/${name} -n ${namespace}`,
    ],
    back: [
      `npx sluice pause sensor/${name} -n ${namespace} --why "back to Argo Events"`,
      `npx sluice migrate back sensor/${name} -n ${namespace}`,
      ...unlabel('sensor', namespace, name),
      `kubectl scale -n ${namespace} deployment -l ${pods} --replicas=1`,
    ],
  };
}

function sourceStep(object: InventoryObject, options: PlanOptions): PlanStep {
  const { namespace, name } = object;
  const pods = `controller=eventsource-controller,eventsource-name=${name}`;
  const fates = fatesOf(object);
  const take = [...label('eventsource', namespace, name, options), ready('eventsource', namespace, name)];
  const start = `kubectl scale -n ${namespace} deployment -l ${pods} --replicas=1`;
  const common = { id: `eventsource/${namespace}/${name}`, title: `EventSource ${namespace}/${name}` };
  if (fates.has('refused')) {
    return {
      ...common,
      why: 'It is called: both listen while the Service changes over, and each call reaches one of them.',
      run: [...take, `npx sluice migrate check eventsource/${name} -n ${namespace}`, ...stop(namespace, pods)],
      back: [start, ...unlabel('eventsource', namespace, name)],
    };
  }
  const why = fates.has('lost')
    ? 'It keeps nothing for absent readers: what is sent in the seconds between the two is lost. Choose a quiet moment.'
    : 'Sluice continues at the position that the other system keeps, such as the consumer group of a Redis stream.';
  return {
    ...common,
    why,
    run: [...stop(namespace, pods), ...take, `npx sluice migrate check eventsource/${name} -n ${namespace}`],
    back: [
      ...unlabel('eventsource', namespace, name),
      `npx sluice migrate back eventsource/${name} -n ${namespace}`,
      start,
    ],
  };
}

function releaseStep({ namespace, name, natsOf, parts }: InventoryBus): PlanStep[] {
  if (natsOf !== 'argo-events' || parts.length === 0) return [];
  const release = (resource: string, field: string): string =>
    `kubectl patch -n ${namespace} ${resource} --type=merge -p '{"metadata":{"${field}":null}}'`;
  return [
    {
      id: `nats/${namespace}/${name}`,
      title: `Keep the NATS of EventBus ${namespace}/${name}`,
      why: 'From here on it is yours, like any StatefulSet: it is no longer deleted with the EventBus, and nobody else upgrades or scales it.',
      run: [
        ...parts.map((part) => release(part.toLowerCase(), 'ownerReferences')),
        release(`eventbus/${name}`, 'finalizers'),
      ],
      // Argo's controller looks its parts up by name and label, and sets its finalizer again.
      back: [],
    },
  ];
}

function definitionsStep(): PlanStep {
  return {
    id: 'definitions',
    title: 'Own the definitions, then remove Argo Events',
    why: 'EventBus, EventSource and Sensor objects vanish with their definitions, so keep those before you uninstall the chart of Argo Events.',
    run: ['npx sluice crds | kubectl apply --server-side --force-conflicts -f -'],
    back: [],
  };
}

function cautionsOf(
  { objects, services, controllers, unreadable }: Inventory,
  movable: readonly InventoryObject[],
): string[] {
  const isMovable = (kind: string, namespace: string, name: string): boolean =>
    movable.some((object) => object.kind === kind && object.namespace === namespace && object.name === name);
  const staying = objects.filter(({ verdict }) => verdict === 'stays');
  return [
    ...staying.map(
      ({ kind, namespace, name }) =>
        `${kind} ${namespace}/${name} does not run here (sluice migrate inventory says why): keep its Deployment of Argo ` +
        'Events, and its controller in a namespace of its own if it has to change again',
    ),
    ...services
      .filter(({ isTakenOver }) => !isTakenOver)
      .map(
        ({ namespace, name, eventSource }) =>
          `Service ${namespace}/${name} leads to pods of Argo Events for EventSource ${eventSource} and is not taken ` +
          'over: change its selector to the labels of the event source workers when that EventSource moves',
      ),
    ...movable.flatMap(({ kind, namespace, name, manifest }) =>
      kind !== 'Sensor' || manifest?.kind !== 'Sensor'
        ? []
        : manifest.object.spec.dependencies
            .filter(({ eventSourceName }) => !isMovable('EventSource', namespace, eventSourceName))
            .map(
              ({ eventSourceName }) =>
                `Sensor ${namespace}/${name} takes events of EventSource ${eventSourceName}, which does not move: its ` +
                'pods keep publishing on the same stream',
            ),
    ),
    ...(controllers.length === 0
      ? ['No controller of Argo Events was found: if one runs, scale it to 0 before the first object moves']
      : []),
    ...unreadable.map((text) => `Not read: ${text}`),
  ];
}

function fatesOf({ manifest }: InventoryObject): ReadonlySet<string> {
  if (manifest?.kind !== 'EventSource') return new Set();
  return new Set(declaredEvents(manifest.object.spec).flatMap(({ kind }) => unreadFate(kind) ?? []));
}

function stop(namespace: string, pods: string): string[] {
  return [
    `kubectl scale -n ${namespace} deployment -l ${pods} --replicas=0`,
    `kubectl wait -n ${namespace} --for=delete pod -l ${pods} ${TIMEOUT}`,
  ];
}

function label(resource: string, namespace: string, name: string, { sluiceClass }: PlanOptions): string[] {
  return [`kubectl label -n ${namespace} ${resource}/${name} sluice.io/class=${sluiceClass} --overwrite`];
}

/** The condition is Unknown once nothing of Sluice reads for the object any more. */
function unlabel(resource: string, namespace: string, name: string): string[] {
  return [
    `kubectl label -n ${namespace} ${resource}/${name} sluice.io/class-`,
    `kubectl wait -n ${namespace} --for=condition=Ready=Unknown ${resource}/${name} ${TIMEOUT}`,
  ];
}

function ready(resource: string, namespace: string, name: string): string {
  return `kubectl wait -n ${namespace} --for=condition=Ready ${resource}/${name} ${TIMEOUT}`;
}
