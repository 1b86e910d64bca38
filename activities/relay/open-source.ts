/** One event of an applied EventSource, as a source that can be read or measured. */
import { SluiceError } from '../../src/errors/sluice-error';
import { findSource } from '../../src/sources/registry';
import type { Source, SourceContext } from '../../src/sources/source';
import type { RelayEventsRequest } from '../../src/contract/activities';
import { createFieldMatcher, createTextMatcher } from './match-texts';
import { createPositionStore } from './source-position';
import type { WorkerDependencies } from '../worker/worker-dependencies';

export interface OpenedSource {
  readonly source: Source;
  /** `spec.<kind>.<eventName>`, as parsed by its schema. */
  readonly spec: object;
  readonly write: SourceContext['log'];
}

/** Does not connect yet. Throws EVENT_SOURCE_MISCONFIGURED for a kind that this worker does not support. */
export function openSource(
  { definition, kind, eventName }: RelayEventsRequest,
  signal: AbortSignal,
  {
    buses,
    secrets,
    log,
    engine,
    kubernetes,
    triggerIdentity,
  }: Pick<WorkerDependencies, 'buses' | 'secrets' | 'log' | 'engine' | 'kubernetes' | 'triggerIdentity'>,
  /** Marks of the previous reader, from its heartbeat. */
  formerMarks?: unknown,
): OpenedSource {
  const { namespace, name, options } = definition;
  const factory = findSource(kind);
  const spec = readSpec(definition.spec, kind, eventName);
  if (factory === undefined || spec === undefined) {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `event source ${namespace}/${name} has no event ${eventName} of a supported kind: ${kind}`,
      fix: 'Apply the event source again with a worker of the same version as the command',
    });
  }
  // As in Argo Events, where the pod of the event source has this account.
  const serviceAccount = triggerIdentity === 'worker' ? undefined : definition.spec.template?.serviceAccountName;
  const account = serviceAccount ? { namespace, name: serviceAccount } : undefined;
  const where = { eventSource: name, event: eventName };
  const write = (level: 'info' | 'warn', message: string): void => log[level](where, message);
  const source = factory.create(spec, {
    namespace,
    eventSourceName: name,
    eventName,
    secrets,
    signal,
    startFrom: options.startFrom,
    maskedHeaders: options.maskedHeaders,
    signatureSecret: options.signatureSecret,
    position: createPositionStore({ eventSourceName: name, eventName }, (work) =>
      buses.use(definition.bus, signal, work),
    ),
    matchTexts: createTextMatcher(engine),
    matchField: createFieldMatcher(engine),
    kubernetes: { open: () => kubernetes.open(account) },
    formerMarks,
    log: write,
  });
  return { source, spec, write };
}

function readSpec(spec: object, kind: string, eventName: string): object | undefined {
  const events: unknown = Object.entries(spec).find(([key]) => key === kind)?.[1];
  if (typeof events !== 'object' || events === null) return undefined;
  const found: unknown = Object.entries(events).find(([key]) => key === eventName)?.[1];
  return typeof found === 'object' && found !== null ? found : undefined;
}
