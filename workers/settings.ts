/**
 * Settings that a worker process reads from its environment, besides Temporal's own `TEMPORAL_*` (read by
 * `@temporalio/envconfig`). docs/configuration.md lists the same variables; a test compares the two.
 */
import { z } from 'zod';
import { SluiceError } from '../src/errors/sluice-error';
import { ALL_NAMESPACES, DEFAULT_TASK_QUEUES } from '../src/contract/identity';

const port = z.coerce.number().int().min(0).max(65_535);
const names = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(
    z.union(
      [z.tuple([z.literal(ALL_NAMESPACES)]), z.array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/))],
      `expected names of namespaces, separated by commas, or ${ALL_NAMESPACES}`,
    ),
  );
const LABEL = /^[-_./A-Za-z0-9]+=[-_.A-Za-z0-9]+$/;
/** `key=value,…` of pods; `none`. */
const selector = z.string().transform((text, context) => {
  if (text === 'none') return {};
  const labels = text.split(',').map((label) => label.trim());
  if (!labels.every((label) => LABEL.test(label)))
    context.addIssue('expected key=value labels, separated by commas, or none');
  return Object.fromEntries(labels.map((label) => label.split('=')).map(([key = '', value = '']) => [key, value]));
});

const taskQueue = z.string().min(1);
const schema = z.object({
  /** SLUICE_EVENT_SOURCE_TASK_QUEUE */
  eventSourceTaskQueue: taskQueue.default(DEFAULT_TASK_QUEUES.eventSource),
  /** SLUICE_SENSOR_TASK_QUEUE */
  sensorTaskQueue: taskQueue.default(DEFAULT_TASK_QUEUES.sensor),
  /** SLUICE_CONTROLLER_TASK_QUEUE */
  controllerTaskQueue: taskQueue.default(DEFAULT_TASK_QUEUES.controller),
  /** SLUICE_CONTROLLER_NAMESPACES: whose objects the controller keeps applied; `*` alone for all. */
  controllerNamespaces: names.optional(),
  /** SLUICE_CONTROLLER_CLASS: value of the label `sluice.io/class` that these objects must have. */
  controllerClass: z
    .string()
    .regex(/^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'expected a label value')
    .optional(),
  /** SLUICE_SERVICE_SELECTOR: labels of the pods to which the Services of EventSources lead; empty: none is made. */
  serviceSelector: selector.prefault('app.kubernetes.io/name=sluice,app.kubernetes.io/component=event-source-worker'),
  /** SLUICE_ADMISSION_PORT: HTTPS of the validating webhook; 0: none. */
  admissionPort: port.default(0),
  /** SLUICE_ADMISSION_NAME: its Service, Secret and ValidatingWebhookConfiguration. */
  admissionName: z
    .string()
    .regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, 'expected the name of a Service')
    .default('sluice-admission'),
  /** SLUICE_HEALTH_PORT: `/healthz` and `/readyz`; 0 selects a free port. */
  healthPort: port.default(8081),
  /** SLUICE_METRICS_PORT: `/metrics`. */
  metricsPort: port.default(7777),
  /** SLUICE_LOG_LEVEL */
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /** SLUICE_ARGO_UI: base address of the Argo Workflows UI, for links. */
  argoUi: z.url().optional(),
  /** SLUICE_MANIFESTS: folder of manifests to apply at start and whenever they change. */
  manifests: z.string().optional(),
  /** SLUICE_MANIFESTS_PRUNE: name of that folder; objects that are removed from it are then deleted. */
  manifestsPrune: z
    .string()
    .regex(/^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'expected a name, as of a label value')
    .optional(),
  /** SLUICE_MAX_CACHED_WORKFLOWS; default: by the number of applied objects. */
  maxCachedWorkflows: z.coerce.number().int().min(1).optional(),
  /** SLUICE_MAX_ACTIVITIES: activity slots of each worker. */
  maxActivities: z.coerce.number().int().min(4).default(4000),
  /** SLUICE_SHUTDOWN_GRACE: how long running triggers may take to finish after SIGTERM. */
  shutdownGrace: z.string().default('10s'),
});
export type WorkerSettings = Readonly<z.infer<typeof schema>>;

/** `healthPort` → `SLUICE_HEALTH_PORT`. */
const variableOf = (setting: string): string => `SLUICE_${setting.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

export const SETTING_NAMES = Object.keys(schema.shape).map(variableOf);

/** @throws SluiceError USAGE naming each variable that is not valid, what was found and what is expected. */
export function readSettings(environment: NodeJS.ProcessEnv): WorkerSettings {
  const given = Object.keys(schema.shape).map((setting) => [setting, environment[variableOf(setting)] || undefined]);
  const { data, error } = schema.safeParse(Object.fromEntries(given));
  if (data !== undefined) return data;
  const problems = error.issues.map(({ path, message }) => {
    const name = variableOf(String(path[0]));
    return `${name}="${environment[name] ?? ''}": ${message}`;
  });
  throw new SluiceError('USAGE', {
    message: `environment is not valid: ${problems.join('; ')}`,
    fix: 'docs/configuration.md lists every variable with its default',
  });
}
