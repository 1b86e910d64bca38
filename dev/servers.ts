/**
 * Real servers for the demo, the tests and the benchmarks. Each `start…` resolves once its server responds, on a free
 * port and in a temporary folder, and offers `stop()`. A server ends with the process that started it, in every case.
 */
export { startKubernetes, type StartKubernetesOptions } from './kubernetes';
export type { OwnKubernetes, RunningKubernetes } from './kubernetes/running-kubernetes';
export { startNats, type RunningNats, type StartNatsOptions } from './nats';
export { startRedis, type RunningRedis, type StartRedisOptions } from './redis';
export { startStacApi, type RunningStacApi } from './stac-api';
export { startTemporal, type RunningTemporal, type StartTemporalOptions } from './temporal';
