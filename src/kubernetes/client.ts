/**
 * A thin client for the Kubernetes API: kept connections, JSON in, JSON out, typed failures.
 *
 * Own code rather than the official client because the calls are few and their cost decides how many Workflows a
 * second a sensor can start (docs/architecture.md, "Speed").
 */
import { setMaxListeners } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { SluiceError } from '../errors/sluice-error';
import { readKnownJson } from '../event/json-text';
import { toWorkingCopy, writeExactly } from '../yaml/exact-numbers';
import { inStage } from '../metrics/stages';
import { ShortRequests, UnansweredRequest, type ShortResponse } from './short-requests';
import type { KubernetesConnection } from './kubernetes-connection';
import { isRecord } from './kubernetes-object';
import { createRefusal } from './refusal';
import { requireAllowedRequest, type WorkerPermissions } from './worker-permissions';

export interface KubernetesRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/api/v1/namespaces/argo/secrets/redis`, each part already encoded (see `objectPath`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON; a string is sent unchanged. */
  readonly body?: unknown;
  /** Default `application/json`; patches name their patch type. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** From sending to the last byte of the response. Default 30 s. */
  readonly timeoutMs?: number;
  /** For an object that is written back: keeps whole numbers beyond 2^53 in the response (see exact-numbers.ts). */
  readonly keepsNumbers?: boolean;
  /** Asks for metadata alone, of an object or (`list`) of each item; a server that cannot do so returns everything. */
  readonly metadataOnly?: boolean | 'list';
}

export interface KubernetesClientOptions {
  /** Connections at a time; raise it only together with the API server's own limits. Default 64. */
  readonly maxSockets?: number;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Default: restricted only by the rights of the account. */
  readonly permissions?: WorkerPermissions;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_CONNECTIONS = 64;
const USER_AGENT = 'sluice';
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json';

export class KubernetesClient {
  private readonly shortRequests: ShortRequests;
  /** Long requests; they have connections of their own and so cannot starve short ones. */
  private readonly watches = new Set<ClientRequest>();
  private readonly sendLong: typeof httpRequest;
  private readonly target: RequestOptions;
  private readonly prefix: string;
  private readonly timeoutMs: number;
  private readonly permissions: WorkerPermissions | undefined;

  constructor(
    readonly connection: KubernetesConnection,
    options: KubernetesClientOptions = {},
  ) {
    const url = new URL(connection.server);
    const secure = url.protocol === 'https:';
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.shortRequests = new ShortRequests({
      origin: url.origin,
      tls: connection.tls,
      connections: options.maxSockets ?? DEFAULT_CONNECTIONS,
      connectTimeoutMs: this.timeoutMs,
    });
    this.sendLong = secure ? httpsRequest : httpRequest;
    this.prefix = url.pathname.replace(/\/+$/, '');
    // IPv6 addresses have brackets only in URLs.
    this.target = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (secure ? 443 : 80),
      ...connection.tls,
    };
    const isRestricted = Object.values(options.permissions ?? {}).some((allowed) => allowed !== undefined);
    this.permissions = isRestricted ? options.permissions : undefined;
  }

  /** Namespace of the connection, for objects that name none. */
  get namespace(): string {
    return this.connection.namespace;
  }

  /**
   * Sends one request. Resolves with the parsed response of a 2xx. Throws KUBERNETES_REFUSED (any other status) or
   * KUBERNETES_UNREACHABLE (no response), WORKER_RESTRICTED, or the signal's reason.
   */
  async request<Answer>(request: KubernetesRequest): Promise<Answer> {
    if (this.permissions) requireAllowedRequest(this.permissions, request);
    const body = serialise(request.body);
    const attempt = () => this.send(request, body);
    let answer: ShortResponse;
    try {
      answer = await attempt();
    } catch (error) {
      // The server closed an idle connection just as we used it. Creating twice is harmless: names are deterministic.
      if (!isUnanswered(error) || request.contentType === 'application/json-patch+json') throw error;
      answer = await attempt();
    }
    if (answer.status === 401) {
      this.connection.renew();
      answer = await attempt();
    }
    if (answer.status < 200 || answer.status > 299) {
      throw createRefusal(describe(request), answer.status, answer.retryAfter, answer.body, this.connection.identity);
    }
    return parseAnswer<Answer>(request, answer.body);
  }

  /**
   * Opens a long response (watch, log) and yields its lines as they arrive; ends when the server ends it. `timeoutMs`
   * counts between bytes here; for the first one, the client's own limit applies if it is shorter.
   */
  async *lines(request: KubernetesRequest, onOpened: () => void = () => undefined): AsyncGenerator<string> {
    const response = await this.open(request);
    const status = response.statusCode ?? 0;
    if (status !== 200) {
      const body = await readBody(response);
      if (status === 401) this.connection.renew();
      throw createRefusal(describe(request), status, response.headers['retry-after'], body, this.connection.identity);
    }
    onOpened();
    response.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() ?? '';
        yield* parts.filter((line) => line !== '');
      }
    } catch (cause) {
      throw asFailure(request, this.connection, cause);
    } finally {
      response.destroy();
    }
    if (rest !== '') yield rest;
  }

  /** Closes idle and open connections. Idempotent. */
  close(): void {
    this.shortRequests.close();
    for (const watch of this.watches) watch.destroy();
  }

  private async send(request: KubernetesRequest, body: string | undefined): Promise<ShortResponse> {
    const { method, contentType = 'application/json', signal, timeoutMs = this.timeoutMs } = request;
    const given = this.connection.authorization();
    const authorization = typeof given === 'object' ? await given : given;
    const accept = acceptOf(request);
    const headers = ['accept', accept, 'user-agent', USER_AGENT];
    if (authorization) headers.push('authorization', authorization);
    if (body !== undefined) headers.push('content-type', contentType);
    const path = this.pathOf(request);
    try {
      return await this.shortRequests.send({ method, path, headers, body, signal, timeoutMs });
    } catch (cause) {
      throw asFailure(request, this.connection, cause);
    }
  }

  private pathOf({ path, query }: KubernetesRequest): string {
    return this.prefix + path + formatQuery(query);
  }

  private async open(request: KubernetesRequest): Promise<IncomingMessage> {
    request.signal?.throwIfAborted();
    if (this.permissions) requireAllowedRequest(this.permissions, request);
    // One listener per open watch is expected, not a leak.
    if (request.signal) setMaxListeners(0, request.signal);
    const given = this.connection.authorization();
    const authorization = typeof given === 'object' ? await given : given;
    const timeoutMs = request.timeoutMs ?? this.timeoutMs;
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = this.sendLong({
        ...this.target,
        // One connection for each.
        agent: false,
        method: request.method,
        path: this.pathOf(request),
        headers: { accept: 'application/json', 'user-agent': USER_AGENT, ...(authorization && { authorization }) },
        signal: request.signal,
      });
      this.watches.add(outgoing);
      outgoing.once('close', () => this.watches.delete(outgoing));
      const limitMs = Math.min(timeoutMs, this.timeoutMs);
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
      outgoing.once('response', (response) => {
        clearTimeout(timer);
        // Detects a peer that vanished silently.
        response.socket.setKeepAlive(true, 30_000);
        response.setTimeout(timeoutMs, () => response.destroy(new Error(`silent for ${timeoutMs / 1000} s`)));
        resolve(response);
      });
      outgoing.on('error', (cause) => {
        clearTimeout(timer);
        reject(asFailure(request, this.connection, cause));
      });
      outgoing.end();
    });
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof SluiceError && error.cause instanceof UnansweredRequest;
}

function asFailure(request: KubernetesRequest, connection: KubernetesConnection, cause: unknown): Error {
  if (request.signal?.aborted) return abortReason(request.signal);
  return new SluiceError('KUBERNETES_UNREACHABLE', {
    message: unreachableText(request, connection),
    fix: `Check that the API server is up and reachable (address from ${connection.origin})`,
    context: { server: connection.server },
    cause,
  });
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}

function unreachableText(request: KubernetesRequest, connection: KubernetesConnection): string {
  return `no answer from Kubernetes at ${connection.server} to ${describe(request)}`;
}

function describe(request: KubernetesRequest): string {
  return `${request.method} ${request.path}`;
}

function acceptOf({ metadataOnly }: KubernetesRequest): string {
  if (metadataOnly === 'list') return METADATA_LIST;
  return metadataOnly === true ? METADATA_ONLY : 'application/json';
}

function readAnswer({ keepsNumbers }: KubernetesRequest, body: string): unknown {
  return keepsNumbers ? toWorkingCopy(readKnownJson(body)) : JSON.parse(body);
}

function parseAnswer<Answer>(request: KubernetesRequest, body: string): Answer {
  let answer: unknown;
  let cause: unknown;
  try {
    answer = inStage('Kubernetes response', () => readAnswer(request, body));
  } catch (error) {
    cause = error;
  }
  // Every response of the API server is an object; the caller knows its type from the path that it requested.
  if (isRecord(answer)) return answer as Answer;
  throw new SluiceError('KUBERNETES_UNREACHABLE', {
    message: `the answer to ${describe(request)} is not a JSON object: something other than Kubernetes answered`,
    cause,
  });
}

function serialise(body: unknown): string | undefined {
  return body === undefined || typeof body === 'string' ? body : writeExactly(body);
}

function formatQuery(query: KubernetesRequest['query']): string {
  if (!query) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

/** Uses events rather than `for await`, which costs a fifth of a small request. */
function readBody(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () =>
      resolve((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString('utf8') ?? ''),
    );
    response.on('error', reject);
  });
}
