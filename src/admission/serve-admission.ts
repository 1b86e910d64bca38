/** The validating webhook: HTTPS with a certificate that renews itself. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Semaphore } from '../concurrency/semaphore';
import { describeError } from '../errors/sluice-error';
import { parseJson } from '../event/json';
import { createExpressionEngine, createExpressionSyntax } from '../expressions';
import { createKubernetesAccess, type KubernetesAccessOptions } from '../kubernetes/access';
import { keepCertificate, publishAuthority } from './kept-certificate';
import { answerReview } from './review';

export interface AdmissionOptions {
  /** 0 selects a free port. */
  readonly port: number;
  /** Of the Service, the Secret and the ValidatingWebhookConfiguration. */
  readonly name: string;
  readonly log: Logger;
  readonly kubernetes?: KubernetesAccessOptions;
  readonly onListening?: (port: number) => void;
}

/** Replicas take over a renewed certificate within this time. */
const LOOK_EVERY_MS = 10 * 60_000;
const RETRY_MS = 5_000;
/** The API server sends an object twice, before and after the change; etcd stores 1.5 MB. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_DEPTH = 500;
const REVIEWS_AT_ONCE = 4;
const REQUEST_TIMEOUT_MS = 15_000;

/** The first expression loads the engine, which takes longer than the API server waits where the machine is busy. */
const WARM_UP = {
  request: {
    uid: '',
    object: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Sensor',
      metadata: { name: 'warm-up' },
      spec: {
        dependencies: [{ name: 'a', eventSourceName: 'a', eventName: 'a', transform: { jq: '.' } }],
        triggers: [{ template: { name: 'a', log: {} } }],
      },
    },
  },
};

/** Serves until the signal aborts. Without a certificate, it waits for one: the API server obeys the failure policy. */
export async function serveAdmission(options: AdmissionOptions, signal: AbortSignal): Promise<void> {
  const { log, name } = options;
  const access = createKubernetesAccess(options.kubernetes);
  const engine = createExpressionEngine();
  const expressions = createExpressionSyntax(engine);
  const turns = new Semaphore(REVIEWS_AT_ONCE);
  let server: Server | undefined;
  const warmedUp = answerReview(WARM_UP, expressions).catch(() => undefined);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void handle(request, response, (review) => turns.run(signal, () => answerReview(review, expressions))).catch(
      (error: unknown) => {
        log.warn(`an admission review failed: ${describeError(error)}`);
        response.destroy();
      },
    );
  };
  try {
    while (!signal.aborted) {
      const pauseMs = await access
        .open()
        .then(async (cluster) => {
          const { bundle, certificate, key } = await keepCertificate(cluster, name);
          const context = { cert: certificate, key };
          // Whoever calls must trust the authority before its certificate is served.
          if (await publishAuthority(cluster, name, bundle))
            log.info(`the certificate authority of ${name} is published`);
          await warmedUp;
          if (server === undefined) {
            server = createServer({ ...context, requestTimeout: REQUEST_TIMEOUT_MS }, answer);
            options.onListening?.(await listen(server, options.port));
          } else server.setSecureContext(context);
          return LOOK_EVERY_MS;
        })
        .catch((error: unknown) => {
          log.warn(`the admission webhook ${name} has no current certificate: ${describeError(error)}`);
          return RETRY_MS;
        });
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    server?.close();
    server?.closeAllConnections();
    access.close();
    await engine.close();
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  decide: (review: unknown) => ReturnType<typeof answerReview>,
): Promise<void> {
  if (request.method !== 'POST' || request.url?.split('?')[0] !== '/validate') return end(response, 404);
  const text = await readText(request);
  if (text === undefined) return end(response, 413);
  let review: unknown;
  try {
    review = parseJson(text, MOST_DEPTH);
  } catch {
    return end(response, 400);
  }
  const answered = await decide(review);
  if (answered === undefined) return end(response, 400);
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answered });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(body);
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { connection: 'close' });
  response.end();
}

/** Undefined for a body that is larger than any object. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
