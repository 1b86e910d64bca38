/** One event of an applied EventSource, as a source that can be read or measured. */
import { SluiceError } from '../../src/errors/sluice-error';
import { findSource } from '../../src/sources/registry';
import type { CustomSource } from '../../src/sources/custom-source';
import type { Source, SourceContext } from '../../src/sources/source';
import type { RelayEventsRequest } from '../../src/contract/activities';
import type { EventQuotas } from './event-quota';
import { createFieldMatcher, createTextMatcher } from './match-texts';
import { createPositionStore } from './source-position';
import type { WorkerDependencies } from '../worker/worker-dependencies';

export interface OpenedSource {
  readonly source: Source;
  /** `spec.<kind>.<eventName>`, as parsed by its schema. */
  readonly spec: object;
  /** CloudEvent type of its events. */
  readonly type: string;
  readonly write: SourceContext['log'];
}

export interface RelayDependencies extends WorkerDependencies {
  /** Sources that are not part of Sluice. */
  readonly customSources?: readonly CustomSource[];
  readonly eventQuotas: EventQuotas;
}

type SourceDependencies = Pick<
  RelayDependencies,
  'buses' | 'secrets' | 'log' | 'engine' | 'kubernetes' | 'triggerIdentity' | 'customSources'
>;

/** Does not connect yet. Throws EVENT_SOURCE_MISCONFIGURED for a kind that this worker does not support. */
export function openSource(
  { definition, kind, eventName }: RelayEventsRequest,
  signal: AbortSignal,
  dependencies: SourceDependencies,
  /** Marks of the previous reader, from its heartbeat. */
  formerMarks?: unknown,
): OpenedSource {
  const { namespace, name } = definition;
  const factory = findSource(kind);
  const spec = readSpec(definition.spec, kind, eventName);
  if (factory === undefined || spec === undefined) {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `event source ${namespace}/${name} has no event ${eventName} of a supported kind: ${kind}`,
      fix: 'Apply the event source again with a worker of the same version as the command',
    });
  }
  const context = createSourceContext({ definition, eventName }, signal, dependencies, formerMarks);
  const source = factory.create(spec, context);
  return { source, spec, type: factory.typeOf?.(spec) ?? kind, write: context.log };
}

/** What a source of this event is given. */
export function createSourceContext(
  { definition, eventName }: Pick<RelayEventsRequest, 'definition' | 'eventName'>,
  signal: AbortSignal,
  { buses, secrets, log, engine, kubernetes, triggerIdentity, customSources }: SourceDependencies,
  formerMarks?: unknown,
): SourceContext {
  const { namespace, name, options } = definition;
  // As in Argo Events, where the pod of the event source has this account.
  const serviceAccount = triggerIdentity === 'worker' ? undefined : definition.spec.template?.serviceAccountName;
  const account = serviceAccount ? { namespace, name: serviceAccount } : undefined;
  const where = { eventSource: name, event: eventName };
  const write = (level: 'info' | 'warn', message: string): void => log[level](where, message);
  return {
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
    customSources,
    log: write,
  };
}

function readSpec(spec: object, kind: string, eventName: string): object | undefined {
  const events: unknown = Object.entries(spec).find(([key]) => key === kind)?.[1];
  if (typeof events !== 'object' || events === null) return undefined;
  const found: unknown = Object.entries(events).find(([key]) => key === eventName)?.[1];
  return typeof found === 'object' && found !== null ? found : undefined;
}
