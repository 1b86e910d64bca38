/** Connects to Temporal and turns its failures into errors with advice. */
import type { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { grpcStatusOf } from '../errors/temporal-failures';
import type { ProcessEnvironment } from './process-environment';

const DEFAULT_ADDRESS = 'localhost:7233';
const CONNECT_TIMEOUT_MS = 5_000;

/** gRPC status numbers that concern the connection to the server, not the request. */
const GRPC = {
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface TemporalOptions {
  readonly address?: string;
  readonly temporalNamespace?: string;
  readonly profile?: string;
}

export interface TemporalSession {
  readonly client: Client;
  readonly connection: Connection;
  readonly address: string;
  /** The Temporal namespace, not the Kubernetes one. */
  readonly namespace: string;
}

export interface OpenSession {
  readonly session: TemporalSession;
  /** Adds advice to errors of the connection. */
  run<T>(work: (session: TemporalSession) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Runs `work` with a connection that is closed afterwards. Throws TEMPORAL_UNREACHABLE if it cannot connect. */
export async function withTemporal<T>(
  options: TemporalOptions,
  environment: ProcessEnvironment,
  work: (session: TemporalSession) => Promise<T>,
): Promise<T> {
  const open = await openTemporal(options, environment);
  try {
    return await open.run(work);
  } finally {
    await open.close();
  }
}

/** The same for a connection that stays open. */
export async function openTemporal(options: TemporalOptions, environment: ProcessEnvironment): Promise<OpenSession> {
  const variables = Object.entries(environment.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const config = loadClientConnectConfig({
    profile: options.profile,
    overrideEnvVars: Object.fromEntries(variables),
  });
  const address = options.address ?? config.connectionOptions.address ?? DEFAULT_ADDRESS;
  const namespace = options.temporalNamespace ?? config.namespace ?? 'default';
  // Loaded here: the commands that work offline start twice as fast without it.
  const temporal = await import('@temporalio/client');
  const { callsUntilClose } = await import('./calls-until-close.js');
  const { PayloadEncryption } = await import('../payloads/payload-encryption.js');
  const encryption = PayloadEncryption.read(environment.env, {
    warn: (message) => void environment.stderr.write(`${message}\n`),
  });
  const calls = callsUntilClose();
  let connection: Connection;
  try {
    const { tls, apiKey, metadata } = config.connectionOptions;
    connection = await temporal.Connection.connect({
      address,
      connectTimeout: CONNECT_TIMEOUT_MS,
      interceptors: calls.interceptors,
      ...(tls === undefined ? {} : { tls }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(metadata === undefined ? {} : { metadata }),
    });
  } catch (error) {
    throw translateTemporalError(error, address, namespace);
  }
  const client = new temporal.Client({ connection, namespace, dataConverter: encryption.converterFor(namespace) });
  const session = { client, connection, address, namespace };
  return {
    session,
    run: async (work) => {
      try {
        return await work(session);
      } catch (error) {
        throw translateTemporalError(error, address, namespace);
      }
    },
    close: async () => {
      calls.end();
      await connection.close();
    },
  };
}

/** Returns the error unchanged, unless it concerns the connection itself. */
function translateTemporalError(error: unknown, address: string, namespace: string): unknown {
  // An error that was already translated holds more than the status behind it.
  if (isSluiceError(error)) return error;
  const status = grpcStatusOf(error);
  const refuse = (message: string, fix: string, retryable: boolean): SluiceError =>
    new SluiceError('TEMPORAL_UNREACHABLE', { message, fix, retryable, cause: error });
  switch (status?.code) {
    case GRPC.unavailable:
    case GRPC.deadlineExceeded:
      return refuse(
        `Temporal at ${address} does not answer`,
        'Start it (temporal server start-dev), or set --address or TEMPORAL_ADDRESS',
        true,
      );
    case GRPC.unauthenticated:
    case GRPC.permissionDenied:
      return refuse(
        `Temporal at ${address} refuses this client for namespace "${namespace}"`,
        'Check TEMPORAL_API_KEY or the client certificate',
        false,
      );
    case GRPC.notFound:
      if (!/namespace/i.test(status.details)) return error;
      return refuse(
        `Temporal at ${address} has no namespace "${namespace}"`,
        'Check --temporal-namespace or TEMPORAL_NAMESPACE',
        false,
      );
    default:
      return isConnectTimeout(error)
        ? refuse(`Temporal at ${address} does not answer`, 'Check --address or TEMPORAL_ADDRESS', true)
        : error;
  }
}

/** The server recognises this client but denies it the request. */
export function isForbidden(error: unknown): boolean {
  const code = grpcStatusOf(error)?.code;
  return code === GRPC.permissionDenied || code === GRPC.unimplemented;
}

function isConnectTimeout(error: unknown): boolean {
  return error instanceof Error && /failed to connect before the deadline/i.test(error.message);
}
