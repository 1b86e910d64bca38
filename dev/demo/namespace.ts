/** The namespace in which the demo works. */
import { randomBytes } from 'node:crypto';
import type { RunningKubernetes } from '../servers';

export interface DemoNamespace {
  readonly name: string;
  /** Deletes what the demo created in a cluster that outlives it. */
  remove(): Promise<void>;
}

/** `default` in a cluster of the demo's own; elsewhere a new namespace, to avoid existing objects. */
export async function createDemoNamespace(kubernetes: RunningKubernetes): Promise<DemoNamespace> {
  if (kubernetes.ownership === 'own') return { name: 'default', remove: () => Promise.resolve() };
  const name = `sluice-demo-${randomBytes(4).toString('hex')}`;
  const api = await kubernetes.connect();
  try {
    await api.expect('POST', '/api/v1/namespaces', {
      metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'sluice-demo' } },
    });
  } catch (error) {
    api.close();
    throw error;
  }
  return {
    name,
    remove: async () => {
      await api.send('DELETE', `/api/v1/namespaces/${name}`);
      api.close();
    },
  };
}
