/** Fires `argoWorkflow` triggers at a real API server, in a namespace of their own. */
import type { JsonObject } from '../../../src/event/json';
import type { WorkflowNodes } from '../../../src/kubernetes/argo/workflow-status';
import type { KubernetesObject } from '../../../src/kubernetes/kubernetes-object';
import type { ArgoWorkflowOperation, ArgoWorkflowTriggerTemplate } from '../../../src/manifest/triggers/kubernetes';
import { argoWorkflowTrigger } from '../../../src/triggers/argo-workflow';
import type { FireRequest, FireResult, Trigger } from '../../../src/triggers/trigger';
import { ARGO, openClusterFixture, type ClusterFixture } from '../../kubernetes/cluster-fixture';
import { createFire, dependenciesFor } from '../object-fire';
import { sketchNodes } from './node-fixture';

export class ArgoTriggerWorld {
  private fires = 0;

  private constructor(
    readonly fixture: ClusterFixture,
    private readonly trigger: Trigger<ArgoWorkflowTriggerTemplate>,
  ) {}

  static async open(namespacePrefix: string): Promise<ArgoTriggerWorld> {
    const fixture = await openClusterFixture(namespacePrefix);
    return new ArgoTriggerWorld(fixture, argoWorkflowTrigger.create(dependenciesFor(fixture.access)));
  }

  /** Every call is another fire, unless `fireId` says which. */
  fire(
    operation: ArgoWorkflowOperation | undefined,
    resource: JsonObject,
    args: string[] = [],
    fields: Partial<FireRequest<ArgoWorkflowTriggerTemplate>> = {},
  ): Promise<FireResult> {
    const template: ArgoWorkflowTriggerTemplate = { source: {}, operation, args };
    this.fires += 1;
    const fireId = `argo-fire-${this.fires}`;
    return this.trigger.fire(createFire(this.fixture.namespace, resource, { fireId, ...fields, template }));
  }

  /** A Workflow as the controller has left it. */
  existing(name: string, spec: object, status?: object, metadata: object = {}): Promise<KubernetesObject> {
    return this.fixture.create({
      apiVersion: ARGO,
      kind: 'Workflow',
      metadata: { name, ...metadata },
      spec,
      ...(status ? { status } : {}),
    });
  }

  read(name: string): Promise<KubernetesObject> {
    return this.fixture.read('workflows', name);
  }

  async close(): Promise<void> {
    await this.trigger.close();
    await this.fixture.close();
  }
}

/** What an operation names its object by. */
export function named(name: string, kind = 'Workflow'): JsonObject {
  return { apiVersion: ARGO, kind, metadata: { name } };
}

/** A DAG whose second task failed after its first had succeeded. */
export const failedDag = (name: string) => ({
  phase: 'Failed',
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:01:00Z',
  conditions: [{ type: 'Completed', status: 'True' }],
  storedTemplates: { 'namespaced/x/y': { name: 'y' } },
  nodes: sketchNodes(name, [
    { at: '', type: 'DAG', phase: 'Failed', children: ['.a'] },
    { at: '.a', type: 'Pod', phase: 'Succeeded', children: ['.b'], within: '' },
    { at: '.b', type: 'Pod', phase: 'Failed', within: '' },
  ]),
});
export const nodesOf = (object: KubernetesObject) => (object.status as { nodes: WorkflowNodes }).nodes;
