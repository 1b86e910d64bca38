/** The validating webhook: HTTPS with a certificate that renews itself. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Semaphore } from '../concurrency/semaphore';
import { describeError } from '../errors/sluice-error';
import { parseJson } from '../event/json';
import { createExpressionEngine, createExpressionSyntax } from '../expressions';
import { BodyReader, BodyRefused, type BodyRefusal } from '../sources/webhook-body';
import { createKubernetesAccess, type KubernetesAccessOptions } from '../kubernetes/access';
import { keepCertificate, publishAuthority } from './kept-certificate';
import { createManifestChecker, type CheckManifest } from '../validation/manifest-checker';
import { answerReview, type AdmissionResponse } from './review';

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
/** Any pod may call: what waits for a turn is bounded, too. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
const MOST_CONNECTIONS = 1_000;

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
  const checker = createManifestChecker(createExpressionSyntax(engine));
  const bodies = new BodyReader(MOST_BYTES);
  const turns = new Semaphore(REVIEWS_AT_ONCE);
  const waiting = { bytes: 0 };
  let server: Server | undefined;
  const warmedUp = answerReview(WARM_UP, checker.check).catch(() => undefined);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void handle(request, response, bodies, waiting, (text) =>
      turns.run(signal, () => answerText(text, checker.check)),
    ).catch((error: unknown) => {
      log.warn(`an admission review failed: ${describeError(error)}`);
      response.destroy();
    });
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
            server.maxConnections = MOST_CONNECTIONS;
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
    bodies.stop();
    server?.close();
    server?.closeAllConnections();
    access.close();
    await checker.close();
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

/** Undefined for what is no review. */
async function answerText(text: string, check: CheckManifest): Promise<AdmissionResponse | undefined> {
  let review: unknown;
  try {
    review = parseJson(text, MOST_DEPTH);
  } catch {
    return undefined;
  }
  return await answerReview(review, check);
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  bodies: BodyReader,
  waiting: { bytes: number },
  decide: (text: string) => Promise<AdmissionResponse | undefined>,
): Promise<void> {
  if (request.method !== 'POST' || request.url?.split('?')[0] !== '/validate') return end(response, 404);
  const body = await bodies.read(request).catch((error: unknown) => {
    if (error instanceof BodyRefused) return error;
    throw error;
  });
  if (body instanceof BodyRefused) return end(response, STATUS_OF[body.refusal]);
  if (waiting.bytes + body.length > MOST_WAITING_BYTES) return end(response, 503);
  waiting.bytes += body.length;
  const answered = await decide(body.toString('utf8')).finally(() => (waiting.bytes -= body.length));
  if (answered === undefined) return end(response, 400);
  const reply = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answered });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(reply);
}

const STATUS_OF = { tooLarge: 413, tooSlow: 408, evicted: 503, stopping: 503 } as const satisfies Record<
  BodyRefusal,
  number
>;

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { connection: 'close' });
  response.end();
}
