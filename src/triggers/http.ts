/**
 * Trigger `http`: one request per fire, successful only if the receiver says so.
 *
 * Every request carries the fire's id as `Idempotency-Key`, the same for each retry and redelivery, so that a receiver
 * can recognise a duplicate.
 */
import type { Agent } from 'node:http';
import { SluiceError } from '../errors/sluice-error';
import { traceparentOf } from '../event/cloud-event';
import { textOf, type JsonDocument } from '../event/json-text';
import type { HttpTriggerTemplate } from '../manifest/triggers/http';
import { parseRetryAfterMs } from '../text/retry-after';
import { ConnectionCache } from '../clients/connection-cache';
import {
  basicAuthHeader,
  describeHeaders,
  layHeaders,
  plainHeaders,
  resolveHeaders,
  secureHeaders,
  type NamedHeader,
} from './headers';
import { createAgent, describeUrl, exchangeHttp, type HttpAnswer } from '../clients/http/http-exchange';
import { isTransientStatus } from '../clients/http/http-status';
import { readTls, type TlsSettings } from '../clients/tls';
import type { FireRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

/** The manifest's block without the fields that are used up once its parameters are resolved. */
export type HttpTemplate = Omit<HttpTriggerTemplate, 'payload' | 'parameters' | 'dynamicHeaders'>;

export const httpTrigger: TriggerOf<'http', 'payload' | 'parameters' | 'dynamicHeaders'> = {
  kind: 'http',
  create: createHttpTrigger,
};

interface AgentSettings {
  readonly protocol: string;
  readonly tls?: TlsSettings;
}

const DEFAULT_TIMEOUT_SECONDS = 60;

function createHttpTrigger({ secrets }: TriggerDependencies): Trigger<HttpTemplate> {
  const agents = new ConnectionCache<AgentSettings, Agent>({
    open: ({ protocol, tls }) => Promise.resolve(createAgent(protocol, tls)),
    close: (agent) => Promise.resolve(agent.destroy()),
  });

  return {
    async fire(request) {
      const { template, namespace, signal } = request;
      const { url, method, headers: composed, body } = compose(request);
      const [tls, headers] = await Promise.all([
        readTls(template.tls, (selector) => secrets.secret(namespace, selector)),
        resolveHeaders(composed, namespace, secrets),
      ]);
      const timeoutMs = (template.timeout || DEFAULT_TIMEOUT_SECONDS) * 1_000;
      const answer = await agents.use({ protocol: url.protocol, tls }, (agent) =>
        exchangeHttp({ url, method, headers, body, timeoutMs, agent, signal }),
      );
      const target = `${method} ${describeUrl(url)}`;
      requireSuccess(answer, target, request.policy?.status?.allow);
      return { kind: 'response', summary: `${target} answered ${answer.status}`, status: answer.status };
    },
    preview(request) {
      const { url, method, headers, body } = compose(request);
      const preview = { method, url: url.href, headers: describeHeaders(headers) };
      return body === undefined ? preview : { ...preview, body };
    },
    close: () => agents.close(),
  };
}

interface ComposedRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: NamedHeader[];
  readonly body?: string;
}

function compose({ template, payload, dynamicHeaders, fireId, events }: FireRequest<HttpTemplate>): ComposedRequest {
  const body = writeBody(payload);
  return {
    url: parseUrl(template.url),
    method: template.method ?? 'POST',
    headers: layHeaders(
      plainHeaders({
        'Idempotency-Key': fireId,
        'Content-Type': body?.contentType,
        traceparent: traceparentOf(Object.values(events)),
      }),
      plainHeaders(template.headers),
      plainHeaders(dynamicHeaders),
      secureHeaders(template.secureHeaders),
      basicAuthHeader(template.basicAuth),
      plainHeaders({ Host: template.host || undefined }),
    ),
    body: body?.text,
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new SluiceError('TRIGGER_REFUSED', {
    message: 'http.url is not an address that starts with http:// or https://',
    fix: 'Correct http.url, or the parameter that sets it',
  });
}

interface Body {
  readonly text: string;
  readonly contentType: string;
}

/** Text is sent unchanged: it comes from a payload entry whose `dest` is empty, which stands for the whole body. */
function writeBody(payload: JsonDocument | undefined): Body | undefined {
  if (payload === undefined) return undefined;
  if (typeof payload !== 'string') return { text: textOf(payload), contentType: 'application/json' };
  return { text: payload, contentType: isJson(payload) ? 'application/json' : 'text/plain; charset=utf-8' };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Keeps the response body out of the message: the author of a Sensor could otherwise read servers that only the worker
 * may reach.
 */
function requireSuccess({ status, headers }: HttpAnswer, target: string, allowed: readonly number[] | undefined): void {
  if (allowed ? allowed.includes(status) : status >= 200 && status < 300) return;
  const expected = allowed ? `one of ${allowed.join(', ')} (policy.status.allow)` : 'a status from 200 to 299';
  const isRedirect = status >= 300 && status < 400;
  throw new SluiceError(allowed ? 'TRIGGER_POLICY_FAILED' : 'TRIGGER_REFUSED', {
    message: `${target} answered ${status}, expected ${expected}`,
    fix: isRedirect
      ? 'Redirects are not followed, because that may drop the payload or send headers elsewhere: set http.url to the final address'
      : undefined,
    retryable: isTransientStatus(status),
    retryAfterMs: parseRetryAfterMs(headers['retry-after']),
    context: { status },
  });
}
