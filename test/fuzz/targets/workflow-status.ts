import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubernetesClient } from '../../../src/kubernetes/client';
import { readWorkflowOutcome } from '../../../src/kubernetes/workflow-outcomes';
import { mutatedJson } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const REFERENCE = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'default', name: 'w', uid: 'u' };
const WORKFLOW = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'w', namespace: 'default', uid: 'u', annotations: { 'sluice.io/fire-id': 'f' } },
  spec: {},
  status: {
    phase: 'Failed',
    message: 'child failed',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:01:00Z',
    progress: '1/2',
    nodes: {
      w: {
        id: 'w',
        name: 'w',
        type: 'Steps',
        phase: 'Failed',
        message: 'no',
        outputs: { parameters: [{ name: 'x', value: 'y' }] },
      },
    },
    outputs: { parameters: [{ name: 'x', value: 'y' }] },
  },
};

/** The status of a Workflow, which the Workflow's own templates have a hand in: an outcome of plain texts, or none yet. */
export async function workflowStatus(): Promise<OpenTarget> {
  let body = '';
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new KubernetesClient({
    server: `http://127.0.0.1:${port}`,
    namespace: 'default',
    tls: {},
    origin: 'the test',
    authorization: () => undefined,
    renew: () => undefined,
  });
  return hide({
    inputs: mutatedJson([WORKFLOW.status]).map((status) => ({ ...WORKFLOW, status })),
    async check(object) {
      body = JSON.stringify(object);
      const outcome = await readWorkflowOutcome(client, REFERENCE, 'f');
      if (outcome === undefined) return;
      expectThat(typeof outcome.message === 'string', 'a message that is text');
      for (const [name, value] of Object.entries(outcome.outputs))
        expectThat(typeof value === 'string', `text for output ${name}`);
    },
    close: async () => {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
