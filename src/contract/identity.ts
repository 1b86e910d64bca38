/** Names that identify everything: workflow ids, workflow types, task queues. Pure. */

/** The names under which the workflows are registered. */
export const WORKFLOW_TYPES = {
  eventBus: 'eventBus',
  eventSource: 'eventSource',
  sensor: 'sensor',
  sensorRun: 'sensorRun',
  replay: 'replay',
  backfill: 'backfill',
  controller: 'controller',
  worker: 'worker',
  concurrencyGroup: 'concurrencyGroup',
} as const;

/** Defaults, unless a plugin or a command sets others; each worker polls one of them. */
export const DEFAULT_TASK_QUEUES = {
  eventSource: 'sluice-event-sources',
  sensor: 'sluice-sensors',
  controller: 'sluice-controller',
} as const;

/** Returns the id of the workflow of an event bus. */
export function eventBusWorkflowId(namespace: string, name: string): string {
  return `event-bus/${namespace}/${name}`;
}

/** Returns the id of the workflow of an event source. */
export function eventSourceWorkflowId(namespace: string, name: string): string {
  return `event-source/${namespace}/${name}`;
}

/** Returns the id of the workflow of a sensor. */
export function sensorWorkflowId(namespace: string, name: string): string {
  return `sensor/${namespace}/${name}`;
}

/** Returns the id of a run. `key` identifies the content of the run: an event's key, or the digest of a batch. */
export function sensorRunWorkflowId(namespace: string, sensorName: string, key: string): string {
  return `run/${namespace}/${sensorName}/${key}`;
}

/** The sensor in a run's workflow id; undefined if the id belongs to another kind of workflow. */
export function sensorOfRun(workflowId: string): { readonly namespace: string; readonly name: string } | undefined {
  const [kind, namespace, name] = workflowId.split('/');
  return kind === 'run' && namespace && name ? { namespace, name } : undefined;
}

export function replayWorkflowId(namespace: string, sensorName: string, id: string): string {
  return `replay/${namespace}/${sensorName}/${id}`;
}

export function backfillWorkflowId(namespace: string, eventSourceName: string, id: string): string {
  return `backfill/${namespace}/${eventSourceName}/${id}`;
}

/** In place of a namespace: the controller of all namespaces. No namespace has this name. */
export const ALL_NAMESPACES = '*';

/** One controller for each Kubernetes namespace, or one for all. */
export function controllerWorkflowId(namespace: string): string {
  return `controller/${namespace}`;
}

/** One for each concurrency group of a Kubernetes namespace. */
export function concurrencyGroupWorkflowId(namespace: string, name: string): string {
  return `concurrency-group/${namespace}/${name}`;
}

/** Of a worker process; `identity` is unique. */
export function workerWorkflowId(taskQueue: string, identity: string): string {
  return `worker/${taskQueue}/${identity}`;
}

/** Value of the search attribute `SluiceSensor`. */
export function sensorRef(namespace: string, sensorName: string): string {
  return `${namespace}/${sensorName}`;
}
