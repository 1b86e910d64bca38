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
const count = z.coerce.number().int().min(1);

const variables = z.object({
  SLUICE_EVENT_SOURCE_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUES.eventSource),
  SLUICE_SENSOR_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUES.sensor),
  SLUICE_CONTROLLER_TASK_QUEUE: z.string().min(1).default(DEFAULT_TASK_QUEUES.controller),
  SLUICE_CONTROLLER_NAMESPACES: names.optional(),
  SLUICE_CONTROLLER_CLASS: z
    .string()
    .regex(/^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'expected a label value')
    .optional(),
  SLUICE_SERVICE_SELECTOR: selector.prefault(
    'app.kubernetes.io/name=sluice,app.kubernetes.io/component=event-source-worker',
  ),
  SLUICE_ADMISSION_PORT: port.default(0),
  SLUICE_ADMISSION_NAME: z
    .string()
    .regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, 'expected the name of a Service')
    .default('sluice-admission'),
  SLUICE_HEALTH_PORT: port.default(8081),
  SLUICE_METRICS_PORT: port.default(7777),
  SLUICE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  SLUICE_ARGO_UI: z.url().optional(),
  SLUICE_MANIFESTS: z.string().optional(),
  SLUICE_MAX_CACHED_WORKFLOWS: count.optional(),
  SLUICE_MAX_ACTIVITIES: z.coerce.number().int().min(4).default(4000),
  SLUICE_SHUTDOWN_GRACE: z.string().default('10s'),
});

export interface WorkerSettings {
  readonly eventSourceTaskQueue: string;
  readonly sensorTaskQueue: string;
  readonly controllerTaskQueue: string;
  /** Kubernetes namespaces whose objects the controller keeps applied; `*` alone for all. */
  readonly controllerNamespaces?: readonly string[];
  /** Value of the label `sluice.io/class` that these objects must have. */
  readonly controllerClass?: string;
  /** Labels of the pods to which the Services of EventSources lead; empty: none is made. */
  readonly serviceSelector: Readonly<Record<string, string>>;
  /** HTTPS of the validating webhook; 0: none. */
  readonly admissionPort: number;
  /** Its Service, Secret and ValidatingWebhookConfiguration. */
  readonly admissionName: string;
  /** `/healthz` and `/readyz`; 0 selects a free port. */
  readonly healthPort: number;
  /** `/metrics`. */
  readonly metricsPort: number;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** Base address of the Argo Workflows UI, for links. */
  readonly argoUi?: string;
  /** Folder of manifests to apply at start and whenever they change. */
  readonly manifests?: string;
  /** Default: by the number of applied objects. */
  readonly maxCachedWorkflows?: number;
  /** Activity slots of each worker. */
  readonly maxActivities: number;
  /** How long running triggers may take to finish after SIGTERM. */
  readonly shutdownGrace: string;
}

export const SETTING_NAMES = Object.keys(variables.shape);

/** @throws SluiceError USAGE naming each variable that is not valid, what was found and what is expected. */
export function readSettings(environment: NodeJS.ProcessEnv): WorkerSettings {
  const given = Object.fromEntries(
    SETTING_NAMES.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      return `${name}="${environment[name] ?? ''}": ${issue.message}`;
    });
    throw new SluiceError('USAGE', {
      message: `environment is not valid: ${problems.join('; ')}`,
      fix: 'docs/configuration.md lists every variable with its default',
    });
  }
  const found = parsed.data;
  return {
    eventSourceTaskQueue: found.SLUICE_EVENT_SOURCE_TASK_QUEUE,
    sensorTaskQueue: found.SLUICE_SENSOR_TASK_QUEUE,
    controllerTaskQueue: found.SLUICE_CONTROLLER_TASK_QUEUE,
    ...(found.SLUICE_CONTROLLER_NAMESPACES && { controllerNamespaces: found.SLUICE_CONTROLLER_NAMESPACES }),
    ...(found.SLUICE_CONTROLLER_CLASS && { controllerClass: found.SLUICE_CONTROLLER_CLASS }),
    serviceSelector: found.SLUICE_SERVICE_SELECTOR,
    admissionPort: found.SLUICE_ADMISSION_PORT,
    admissionName: found.SLUICE_ADMISSION_NAME,
    healthPort: found.SLUICE_HEALTH_PORT,
    metricsPort: found.SLUICE_METRICS_PORT,
    logLevel: found.SLUICE_LOG_LEVEL,
    ...(found.SLUICE_ARGO_UI === undefined ? {} : { argoUi: found.SLUICE_ARGO_UI }),
    ...(found.SLUICE_MANIFESTS === undefined ? {} : { manifests: found.SLUICE_MANIFESTS }),
    ...(found.SLUICE_MAX_CACHED_WORKFLOWS !== undefined && { maxCachedWorkflows: found.SLUICE_MAX_CACHED_WORKFLOWS }),
    maxActivities: found.SLUICE_MAX_ACTIVITIES,
    shutdownGrace: found.SLUICE_SHUTDOWN_GRACE,
  };
}
