/**
 * The workflows of Sluice. A worker of your own serves them beside yours with `export * from 'sluice/workflows'` in its
 * workflow entry; the plugins do so automatically.
 */
export { backfill } from './backfill/backfill';
export { controller } from './controller/controller';
export { concurrencyGroup } from './concurrency-group/concurrency-group';
export { eventBus } from './event-bus/event-bus';
export { eventSource } from './event-source/event-source';
export { replay } from './replay/replay';
export { sensor } from './sensor/sensor';
export { sensorRun } from './run/sensor-run';
export { worker } from './worker/worker';

export { SLUICE_WORKFLOWS_MARK } from './bundle-marker';
