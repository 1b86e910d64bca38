import { randomUUID } from 'node:crypto';
import type { WebhookEventSource } from '../../src/manifest/sources/webhook';
import { webhookSource } from '../../src/sources/webhook';
import { describeSourceContract } from '../contract/source-contract';
import { eventually } from '../setup/eventually';
import { freePort } from './free-port';

describeSourceContract<WebhookEventSource>({
  factory: webhookSource,
  // A caller repeats what was not answered with success; what it sends while nobody listens is its own affair.
  capabilities: { keepsBacklog: false, deliversAgain: true, hasServer: false },
  async start() {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/scenes`;
    return {
      spec: { endpoint: '/scenes', port: String(port), method: 'POST' },
      async send(text) {
        const headers = { 'Idempotency-Key': randomUUID() };
        await eventually(
          async () => {
            const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }) });
            return response.ok || undefined;
          },
          { timeoutMs: 30_000 },
        );
      },
      async sendPoison() {
        const response = await fetch(url, { method: 'POST', body: '{ not JSON' });
        expect(response.status).toBe(400);
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      stop: () => Promise.resolve(),
    };
  },
});
