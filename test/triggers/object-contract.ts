/** The contract of triggers that create Workflows, against a real API server. */
import type { JsonObject } from '../../src/event/json';
import { createKubernetesAccess } from '../../src/kubernetes/access';
import { readKubeconfig } from '../../src/kubernetes/kubeconfig';
import { FIRE_ID_ANNOTATION } from '../../src/kubernetes/object-marks';
import type { TriggerFactory } from '../../src/triggers/trigger';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { ARGO, openClusterFixture } from '../kubernetes/cluster-fixture';

export function describeObjectContract<Template>(factory: TriggerFactory<Template>, template: Template): void {
  describeTriggerContract<Template>({
    factory,
    hasKey: true,
    asksToWait: false,
    hasShortLimit: false,
    actsOnKubernetes: true,
    async start() {
      const cluster = await openClusterFixture('contract');
      const connection = await readKubeconfig([cluster.kubernetes.kubeconfigPath]);
      const metadata: JsonObject = { generateName: 'contract-' };
      return {
        port: Number(new URL(connection.server).port),
        leadTo: () => template,
        connect: (port) =>
          createKubernetesAccess({ connection: { ...connection, server: `https://127.0.0.1:${port}` } }),
        request: {
          namespace: cluster.namespace,
          resource: {
            ...{ apiVersion: ARGO, kind: 'Workflow', metadata },
            spec: { workflowTemplateRef: { name: 'detect' } },
          },
        },
        async keys() {
          const made = await cluster.list('workflows');
          return made
            .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
            .map(({ metadata: { annotations } }) => annotations?.[FIRE_ID_ANNOTATION]);
        },
        // The API server refuses such a name.
        refuse: () => void (metadata['generateName'] = 'Not A Name '),
        stop: () => cluster.close(),
      };
    },
  });
}
