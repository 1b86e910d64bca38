/**
 * The gRPC service that a custom trigger's server offers: the same package, names and field numbers as the
 * `trigger.proto` of Argo Events, so that servers written for it work unchanged.
 *
 * docs/triggers/trigger.proto is the same contract for authors of servers; a test keeps the two in sync.
 */
import { Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { fromJSON, type AnyDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { describeCustomFailure } from './custom-failure';
import { errorProperty } from '../errors/foreign-errors';

const bytes = (id: number) => ({ type: 'bytes', id });
const method = (name: string) => ({ requestType: `${name}Request`, responseType: `${name}Response`, comment: '' });

const SERVICE = fromJSON(
  {
    nested: {
      triggers: {
        nested: {
          Trigger: {
            methods: {
              FetchResource: method('FetchResource'),
              Execute: method('Execute'),
              ApplyPolicy: method('ApplyPolicy'),
            },
          },
          FetchResourceRequest: { fields: { resource: bytes(1) } },
          FetchResourceResponse: { fields: { resource: bytes(1) } },
          ExecuteRequest: { fields: { resource: bytes(1), payload: bytes(2) } },
          ExecuteResponse: { fields: { response: bytes(1) } },
          ApplyPolicyRequest: { fields: { request: bytes(1) } },
          ApplyPolicyResponse: { fields: { success: { type: 'bool', id: 1 }, message: { type: 'string', id: 2 } } },
        },
      },
    },
  },
  { defaults: true },
)['triggers.Trigger'];

export interface CustomCall {
  readonly client: Client;
  /** Sent as the metadata `idempotency-key`; absent while there is no fire yet. */
  readonly fireId?: string;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 60_000;

/** `spec` is YAML text. All three functions throw TRIGGER_UNREACHABLE, TRIGGER_REFUSED, or the signal's reason. */
export async function fetchCustomResource(call: CustomCall, spec: string): Promise<Buffer> {
  return bytesOf(await callUnary(call, 'FetchResource', { resource: Buffer.from(spec) }), 'resource');
}

export async function executeCustom(call: CustomCall, resource: Buffer, payload: Buffer | undefined): Promise<Buffer> {
  return bytesOf(await callUnary(call, 'Execute', payload ? { resource, payload } : { resource }), 'response');
}

export async function applyCustomPolicy(
  call: CustomCall,
  response: Buffer,
): Promise<{ success: boolean; message: string }> {
  const answer = await callUnary(call, 'ApplyPolicy', { request: response });
  const message = errorProperty(answer, 'message');
  return { success: errorProperty(answer, 'success') === true, message: typeof message === 'string' ? message : '' };
}

async function callUnary(call: CustomCall, name: string, request: Record<string, Buffer>): Promise<object> {
  const { client, fireId, signal } = call;
  signal.throwIfAborted();
  const { path, requestSerialize, responseDeserialize } = methodOf(name);
  const metadata = new Metadata();
  if (fireId !== undefined) metadata.set('idempotency-key', fireId);
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + TIMEOUT_MS;
    const answer = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error: ServiceError | null, value?: object) => {
        signal.removeEventListener('abort', cancel);
        if (signal.aborted) reject(signal.reason as Error);
        else if (error) reject(describeCustomFailure(error, name));
        else resolve(value ?? {});
      },
    );
    const cancel = () => answer.cancel();
    signal.addEventListener('abort', cancel, { once: true });
  });
}

function methodOf(name: string) {
  const found = SERVICE !== undefined && isService(SERVICE) ? SERVICE[name] : undefined;
  if (found === undefined) throw new Error(`the service triggers.Trigger has no method ${name}`);
  return found;
}

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  return !('format' in definition);
}

function bytesOf(answer: object, field: string): Buffer {
  const value = errorProperty(answer, field);
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}
