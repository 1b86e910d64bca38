/** Hooks of services: a source that listens, and the contract that each kind of hook passes. */
import { randomUUID } from 'node:crypto';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { Delivery, SourceContext, SourceFactory, SourceStatus } from '../../src/sources/source';
import { createSource, type SourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { freePort } from './free-port';

interface HookSpec {
  webhook?: { endpoint: string; port: string };
}

/** A request as the service sends it. */
export interface SentHook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HookService<Spec> {
  readonly factory: SourceFactory<Spec>;
  readonly spec: Spec;
  readonly secrets?: Readonly<Record<string, string>>;
  /** `id`: of the delivery, the same for each retry. */
  send(text: string, id: string): SentHook;
  textOf(data: unknown): string;
}

export function hookContract<Spec extends HookSpec>(service: HookService<Spec>): SourceContract<Spec> {
  return {
    factory: service.factory,
    // A service repeats what was not answered with success; what it sends while nobody listens is its own affair.
    capabilities: { payload: 'sent', keepsBacklog: false, deliversAgain: true, hasServer: false },
    async start() {
      const port = String(await freePort());
      const post = (hook: SentHook): Promise<Response> =>
        fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', headers: hook.headers, body: hook.body });
      return {
        spec: { ...service.spec, webhook: { endpoint: '/hook', port } },
        ...(service.secrets && { secrets: service.secrets }),
        async send(text) {
          const hook = service.send(text, randomUUID());
          await eventually(async () => {
            const response = await post(hook);
            // 413: refused for good, so there is no use in sending it again.
            return response.ok || response.status === 413 || undefined;
          });
        },
        textOf: ({ data }: CloudEvent) => service.textOf(data),
        stop: () => Promise.resolve(),
      };
    },
  };
}

export interface HookListener {
  readonly received: readonly Delivery[];
  readonly lines: readonly string[];
  readonly status: () => SourceStatus;
  readonly post: (hook: Partial<SentHook>) => Promise<{ readonly status: number; readonly text: string }>;
  readonly stop: () => Promise<void>;
}

/** Listens on a free port and answers as if the bus had each event. */
export async function listenForHooks<Spec extends HookSpec>(
  factory: SourceFactory<Spec>,
  spec: Spec,
  secrets: Readonly<Record<string, string>> = {},
  overrides: Partial<SourceContext> = {},
): Promise<HookListener> {
  const stopping = new AbortController();
  const port = String(await freePort());
  const lines: string[] = [];
  const source = createSource(
    factory,
    { spec: { ...spec, webhook: { endpoint: '/hook', port } }, secrets },
    { signal: stopping.signal, log: (level, line) => lines.push(`${level}: ${line}`), ...overrides },
  );
  const received: Delivery[] = [];
  const reading = (async () => {
    for await (const delivery of source.deliveries()) {
      received.push(delivery);
      await delivery.acknowledge({ rejected: [] });
    }
  })();
  await Promise.race([reading, eventually(() => source.status().connected)]);
  return {
    received,
    lines,
    status: () => source.status(),
    async post({ headers = {}, body = '{}' }) {
      const response = await fetch(`http://127.0.0.1:${port}/hook`, { method: 'POST', headers, body });
      return { status: response.status, text: await response.text() };
    },
    async stop() {
      stopping.abort();
      await reading.catch(() => undefined);
      await source.close();
    },
  };
}
