/**
 * Names the work of the main thread, so that a block of the event loop can be attributed. JavaScript cannot report
 * afterwards what ran, so everything that may take long on hostile input runs inside `inStage`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Values of a metric label: a fixed set. */
export type WorkStage =
  | 'AMQP message'
  | 'bus message'
  | 'event to publish'
  | 'expression request'
  | 'expression result'
  | 'Kubernetes response'
  | 'Kubernetes watch'
  | 'MQTT message'
  | 'Kafka record'
  | 'NATS message'
  | 'Redis message'
  | 'SQS message'
  | 'webhook body'
  | 'Workflow nodes';

export interface StageRun {
  readonly stage: WorkStage;
  /** Type and workflow id of the activity in which it ran, if any. */
  readonly activity?: string;
  readonly ms: number;
}

const activities = new AsyncLocalStorage<string>();
let longest: StageRun | undefined;

/** Runs an activity under a label such as `sluiceListen of sensor/argo/items`. */
export function inActivity<Result>(label: string, run: () => Promise<Result>): Promise<Result> {
  return activities.run(label, run);
}

/** Runs synchronous work and remembers how long it took. */
export function inStage<Result>(stage: WorkStage, work: () => Result): Result {
  const begin = performance.now();
  try {
    return work();
  } finally {
    const ms = performance.now() - begin;
    if (longest === undefined || ms > longest.ms) longest = { stage, activity: activities.getStore(), ms };
  }
}

/** Returns the longest stage since the last call. */
export function takeLongestStage(): StageRun | undefined {
  const taken = longest;
  longest = undefined;
  return taken;
}
