import { readBehaviour } from './argo-controller-stand-in/behaviour';
import { mergeWithTemplate } from './argo-controller-stand-in/effective-spec';
import { decideStep, finish, isFinal, type Situation, type Step } from './argo-controller-stand-in/lifecycle';
import { followWorkflows } from './argo-controller-stand-in/watch';
import type { Workflow, WorkflowTemplate } from './argo-controller-stand-in/workflow';
import type { ApiClient } from './kubernetes/api-client';
import type { OwnKubernetes } from './kubernetes/running-kubernetes';

export interface ArgoControllerStandInOptions {
  /** Started by dev/: objects in another cluster belong to that cluster's own controller. */
  kubernetes: OwnKubernetes;
  /** The only namespace to manage; all of them by default. */
  namespace?: string;
  /** How long a Workflow runs unless its annotations say otherwise. */
  durationMs?: number;
}

export interface ArgoControllerStandIn {
  stop(): Promise<void>;
}

const API_ROOT = '/apis/argoproj.io/v1alpha1';
const DEFAULT_DURATION_MS = 1_000;
const PAUSE_AFTER_FAILURE_MS = 500;

/**
 * NOT the Argo workflow controller: it runs no step of any Workflow. It only moves Workflow objects of all namespaces
 * through their phases as the controller would, for machines that have an API server and no way to run containers.
 * The behaviour of a Workflow is set by annotations; see `Behaviour`.
 */
export async function startArgoControllerStandIn(
  options: ArgoControllerStandInOptions,
): Promise<ArgoControllerStandIn> {
  const api = await options.kubernetes.connect();
  const controller = new StandIn(api, options.durationMs ?? DEFAULT_DURATION_MS);
  const abort = new AbortController();
  const scope = options.namespace === undefined ? '' : `/namespaces/${options.namespace}`;
  const following = followWorkflows(api, `${API_ROOT}${scope}/workflows`, controller, abort.signal);
  return {
    stop: async () => {
      abort.abort();
      controller.close();
      await following;
      api.close();
    },
  };
}

/** One Workflow in progress. */
interface Entry {
  latest: Workflow;
  phase: string;
  phaseSince: number;
  isBusy: boolean;
  /** The object changed while a step was being taken. */
  isStale: boolean;
  timer?: NodeJS.Timeout;
}

class StandIn {
  private readonly entries = new Map<string, Entry>();
  private isClosed = false;

  constructor(
    private readonly api: ApiClient,
    private readonly durationMs: number,
  ) {}

  onState(workflow: Workflow): void {
    const { uid } = workflow.metadata;
    const phase = workflow.status?.phase ?? '';
    if (isFinal(phase)) return this.onGone(uid);
    const entry = this.entries.get(uid) ?? {
      latest: workflow,
      phase,
      phaseSince: Date.now(),
      isBusy: false,
      isStale: false,
    };
    if (entry.phase !== phase) Object.assign(entry, { phase, phaseSince: Date.now() });
    entry.latest = workflow;
    this.entries.set(uid, entry);
    void this.advance(entry);
  }

  onGone(uid: string): void {
    clearTimeout(this.entries.get(uid)?.timer);
    this.entries.delete(uid);
  }

  close(): void {
    this.isClosed = true;
    for (const uid of [...this.entries.keys()]) this.onGone(uid);
  }

  private async advance(entry: Entry): Promise<void> {
    if (entry.isBusy) {
      entry.isStale = true;
      return;
    }
    entry.isBusy = true;
    clearTimeout(entry.timer);
    try {
      do {
        entry.isStale = false;
        await this.take(entry, await this.decide(entry));
      } while (entry.isStale);
    } catch {
      // The API server is unavailable; its objects stay as they are until it is back.
      this.wake(entry, PAUSE_AFTER_FAILURE_MS);
    } finally {
      entry.isBusy = false;
    }
  }

  private async decide(entry: Entry): Promise<Step> {
    const workflow = entry.latest;
    const template = await this.findTemplate(workflow);
    const situation: Situation = {
      now: Date.now(),
      behaviour: readBehaviour(workflow, template?.metadata.annotations ?? {}, this.durationMs),
      spec: template === undefined ? workflow.spec : mergeWithTemplate(workflow.spec, template.spec),
      phaseSince: entry.phaseSince,
    };
    const reference = workflow.spec.workflowTemplateRef;
    if (reference !== undefined && template === undefined) {
      const plural = reference.clusterScope === true ? 'clusterworkflowtemplates' : 'workflowtemplates';
      const message = `${plural}.argoproj.io "${reference.name}" not found`;
      return { kind: 'write', workflow: finish(workflow, situation, 'Error', message) };
    }
    return decideStep(workflow, situation);
  }

  private async take(entry: Entry, step: Step): Promise<void> {
    switch (step.kind) {
      case 'write': {
        const { namespace, name } = step.workflow.metadata;
        const path = `${API_ROOT}/namespaces/${namespace}/workflows/${name}`;
        // 404 and 409: deleted or changed meanwhile; the watch reports the change.
        await this.api.expect('PUT', path, step.workflow, [404, 409]);
        return;
      }
      case 'wait':
        return this.wake(entry, step.milliseconds);
      case 'idle':
      case 'done':
        return;
    }
  }

  private wake(entry: Entry, milliseconds: number): void {
    if (this.isClosed) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => void this.advance(entry), milliseconds);
  }

  /** Once started, a Workflow runs with the template as it was then, like the real one. */
  private async findTemplate(workflow: Workflow): Promise<WorkflowTemplate | undefined> {
    const reference = workflow.spec.workflowTemplateRef;
    if (reference === undefined) return undefined;
    const path =
      reference.clusterScope === true
        ? `${API_ROOT}/clusterworkflowtemplates/${reference.name}`
        : `${API_ROOT}/namespaces/${workflow.metadata.namespace}/workflowtemplates/${reference.name}`;
    const { status, body } = await this.api.expect('GET', path, undefined, [404]);
    const stored = workflow.status?.storedWorkflowTemplateSpec;
    if (status === 404) return stored === undefined ? undefined : { metadata: { name: reference.name }, spec: stored };
    const template = body as WorkflowTemplate;
    return stored === undefined ? template : { ...template, spec: stored };
  }
}
