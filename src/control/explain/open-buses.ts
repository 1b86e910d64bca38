/** The applied event buses, opened for reading: events and decisions are stored there. */
import type { EventBusDefinition } from '../../contract/definitions';
import { eventBusDefinitionQuery } from '../../contract/event-bus-messages';
import type { Bus } from '../../bus/bus';
import { connectBus, type ConnectBusOptions } from '../../bus/connect';
import { describeError, isSluiceError, SluiceError } from '../../errors/sluice-error';
import { createKubernetesAccess } from '../../kubernetes/access';
import { createSecretReader } from '../../kubernetes/secret-readers';
import type { SecretReader } from '../../kubernetes/secrets';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied } from '../applied-objects';
import { queryApplied } from '../ask-workflow';
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
  const options = { temporalNamespace: session.namespace, readOnly: true };
  return await withSecrets(environment, async (secrets) => {
    const opened = await Promise.all(
      applied.map(async (object) => {
        try {
          const definition = await queryApplied(session, object, eventBusDefinitionQuery, []);
          return { definition, bus: await openBus(definition, secrets, environment, CONNECT_TIMEOUT_MS, options) };
        } catch (error) {
          problems.push(`Event bus ${object.namespace}/${object.name} cannot be read: ${describeError(error)}`);
          return undefined;
        }
      }),
    );
    const buses = opened.filter((bus) => bus !== undefined);
    try {
      return await work({ buses, problems });
    } finally {
      await Promise.all(buses.map(({ bus }) => bus.close()));
    }
  });
}

/**
 * Opens one bus for `work`, as it is defined and not as it is applied.
 *
 * @throws SluiceError BUS_UNREACHABLE if its server does not answer in time
 */
export async function withOpenBus<T>(
  definition: EventBusDefinition,
  options: BusOptions,
  environment: ProcessEnvironment,
  work: (bus: Bus) => Promise<T>,
  timeoutMs = CONNECT_TIMEOUT_MS,
): Promise<T> {
  return await withSecrets(environment, async (secrets) => {
    const bus = await openBus(definition, secrets, environment, timeoutMs, options);
    try {
      return await work(bus);
    } finally {
      await bus.close();
    }
  });
}

type BusOptions = Pick<ConnectBusOptions, 'temporalNamespace' | 'readOnly'>;

async function withSecrets<T>({ env }: ProcessEnvironment, work: (secrets: SecretReader) => Promise<T>): Promise<T> {
  const kubernetes = createKubernetesAccess({ env: { ...env } });
  try {
    return await work(createSecretReader({ kubernetes, env: { ...env } }));
  } finally {
    kubernetes.close();
  }
}

async function openBus(
  definition: EventBusDefinition,
  secrets: SecretReader,
  { env }: ProcessEnvironment,
  timeoutMs: number,
  options: BusOptions,
): Promise<Bus> {
  const signal = AbortSignal.timeout(timeoutMs);
  const url = env['SLUICE_BUS_URL'] || undefined;
  try {
    return await connectBus(definition, secrets, { ...options, signal, url });
  } catch (error) {
    if (isSluiceError(error) || !signal.aborted) throw error;
    throw new SluiceError('BUS_UNREACHABLE', { message: 'its server does not answer', cause: error });
  }
}
