/** The applied event buses, opened for reading: events and decisions are stored there. */
import type { EventBusDefinition } from '../../contract/definitions';
import { eventBusDefinitionQuery } from '../../contract/event-bus-messages';
import type { Bus } from '../../bus/bus';
import { connectBus } from '../../bus/connect';
import { describeError, isSluiceError, SluiceError } from '../../errors/sluice-error';
import { createKubernetesAccess } from '../../kubernetes/access';
import { createSecretReader } from '../../kubernetes/secret-readers';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, type AppliedObject } from '../applied-objects';
import { askWorkflow, notApplied } from '../ask-workflow';
import type { ProcessEnvironment } from '../process-environment';
import type { TemporalSession } from '../temporal-session';

export interface OpenBus {
  readonly definition: EventBusDefinition;
  readonly bus: Bus;
}

/** `<namespace>/<name>` */
export function busName({ definition: { namespace, name } }: OpenBus): string {
  return `${namespace}/${name}`;
}

export function findBus(buses: readonly OpenBus[], { namespace, name }: EventBusDefinition): OpenBus | undefined {
  return buses.find((bus) => busName(bus) === `${namespace}/${name}`);
}

export interface OpenBuses {
  readonly buses: readonly OpenBus[];
  /** Why some cannot be read. */
  readonly problems: readonly string[];
}

/** Commands are interactive: a server that has not responded by then counts as unreadable. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Opens every applied bus of a namespace, or of all, for `work`. */
export async function withBuses<T>(
  session: TemporalSession,
  environment: ProcessEnvironment,
  namespace: string | undefined,
  work: (open: OpenBuses) => Promise<T>,
): Promise<T> {
  const applied = await listApplied(session, [APPLIED_KINDS.EventBus], namespace);
  const problems: string[] = [];
  const found = await Promise.all(
    applied.map((object) => readDefinition(session, object).catch((error: unknown) => note(problems, object, error))),
  );
  const definitions = found.filter((definition) => definition !== undefined);
  const env = { ...environment.env };
  const kubernetes = createKubernetesAccess({ env });
  const opened = await Promise.all(
    definitions.map((definition) =>
      openBus(
        definition,
        session.namespace,
        createSecretReader({ kubernetes, env }),
        environment.env['SLUICE_BUS_URL'],
      ).catch((error: unknown) => note(problems, definition, error)),
    ),
  );
  const buses = opened.filter((bus) => bus !== undefined);
  try {
    return await work({ buses, problems });
  } finally {
    await Promise.all(buses.map(({ bus }) => bus.close()));
    kubernetes.close();
  }
}

function note(problems: string[], { namespace, name }: { namespace: string; name: string }, error: unknown): undefined {
  problems.push(`Event bus ${namespace}/${name} cannot be read: ${describeError(error)}`);
  return undefined;
}

function readDefinition(session: TemporalSession, object: AppliedObject): Promise<EventBusDefinition> {
  return askWorkflow(
    session,
    object.workflowId,
    () => notApplied(object),
    (handle) => handle.query(eventBusDefinitionQuery),
  );
}

/**
 * Opens one bus for `work`, as it is defined and not as it is applied.
 *
 * @throws SluiceError BUS_UNREACHABLE if its server does not answer in time
 */
export async function withOpenBus<T>(
  definition: EventBusDefinition,
  session: TemporalSession,
  environment: ProcessEnvironment,
  timeoutMs: number,
  work: (bus: Bus) => Promise<T>,
): Promise<T> {
  const env = { ...environment.env };
  const kubernetes = createKubernetesAccess({ env });
  try {
    const secrets = createSecretReader({ kubernetes, env });
    const { bus } = await openBus(definition, session.namespace, secrets, env['SLUICE_BUS_URL'], timeoutMs);
    try {
      return await work(bus);
    } finally {
      await bus.close();
    }
  } finally {
    kubernetes.close();
  }
}

async function openBus(
  definition: EventBusDefinition,
  temporalNamespace: string,
  secrets: Parameters<typeof connectBus>[1],
  url: string | undefined,
  timeoutMs = CONNECT_TIMEOUT_MS,
): Promise<OpenBus> {
  const giveUp = AbortSignal.timeout(timeoutMs);
  try {
    const bus = await connectBus(definition, secrets, {
      ...{ temporalNamespace, readOnly: true, signal: giveUp },
      ...(url && { url }),
    });
    return { definition, bus };
  } catch (error) {
    if (isSluiceError(error) || !giveUp.aborted) throw error;
    throw new SluiceError('BUS_UNREACHABLE', { message: 'its server does not answer', cause: error });
  }
}
