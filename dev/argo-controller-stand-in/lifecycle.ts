import { ATTEMPT_ANNOTATION, type Behaviour } from './behaviour';
import { entryNodeType, findSpecProblem } from './effective-spec';
import type { FinalPhase, Node, Phase, Workflow, WorkflowSpec } from './workflow';

const LABEL_PREFIX = 'workflows.argoproj.io/';

/** What to do with a Workflow now: nothing, come back later, or write it and then look again. */
export type Step =
  { kind: 'done' } | { kind: 'wait'; milliseconds: number } | { kind: 'idle' } | { kind: 'write'; workflow: Workflow };

/** The context of a step besides the object. Times in milliseconds since the epoch. */
export interface Situation {
  now: number;
  behaviour: Behaviour;
  /** The spec merged over the template's. */
  spec: WorkflowSpec;
  /** When the stand-in saw or made the last change of phase; the object's own times have whole seconds only. */
  phaseSince: number;
}

/** Returns true for a phase that a Workflow never leaves. */
export function isFinal(phase: Phase | undefined): phase is FinalPhase {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
}

/** Decides the next step of a Workflow. Pure: the same object and situation give the same step. */
export function decideStep(workflow: Workflow, situation: Situation): Step {
  const phase = workflow.status?.phase ?? '';
  const { behaviour, spec, now, phaseSince } = situation;
  if (isFinal(phase)) return { kind: 'done' };
  if (phase === '') {
    const problem = findSpecProblem(workflow.metadata.name, spec);
    if (problem !== undefined) return write(finish(workflow, situation, 'Failed', `invalid spec: ${problem}`));
  }
  if (workflow.spec.suspend === true) return phase === '' ? write(start(workflow, situation)) : { kind: 'idle' };
  if (workflow.spec.shutdown !== undefined && workflow.spec.shutdown !== '') {
    return write(finish(workflow, situation, 'Failed', `Stopped with strategy '${workflow.spec.shutdown}'`));
  }
  switch (phase) {
    case '':
      return write(behaviour.pendingMs > 0 ? hold(workflow, situation) : start(workflow, situation));
    case 'Pending':
      return afterPause(phaseSince + behaviour.pendingMs - now, () => start(workflow, situation));
    case 'Running':
      return afterPause(phaseSince + behaviour.durationMs - now, () => {
        const message = behaviour.outcome === 'Succeeded' ? '' : behaviour.message;
        return finish(workflow, situation, behaviour.outcome, message);
      });
  }
}

/** Ends a Workflow at once, for instance because its template does not exist. */
export function finish(workflow: Workflow, situation: Situation, phase: FinalPhase, message: string): Workflow {
  const finishedAt = formatTime(situation.now);
  const startedAt = workflow.status?.startedAt ?? finishedAt;
  const hasRun = workflow.status?.phase === 'Running';
  const outputs = phase === 'Succeeded' ? situation.behaviour.outputs : [];
  const node: Node = { ...entryNode(workflow, situation, startedAt), phase, message, finishedAt, progress: '1/1' };
  if (outputs.length > 0) node.outputs = { parameters: outputs };
  return withPhase(workflow, phase, {
    message,
    startedAt,
    finishedAt,
    progress: hasRun ? '1/1' : '0/0',
    conditions: [
      { type: 'PodRunning', status: 'False' },
      { type: 'Completed', status: 'True' },
    ],
    ...(hasRun ? { nodes: { [workflow.metadata.name]: node } } : {}),
  });
}

function start(workflow: Workflow, situation: Situation): Workflow {
  const startedAt = formatTime(situation.now);
  const started = withPhase(workflow, 'Running', {
    ...storedSpec(workflow, situation),
    startedAt,
    finishedAt: null,
    progress: '0/1',
    conditions: [{ type: 'PodRunning', status: 'True' }],
    nodes: { [workflow.metadata.name]: entryNode(workflow, situation, startedAt) },
  });
  const attempt = Number(workflow.metadata.annotations?.[ATTEMPT_ANNOTATION] ?? '0') + 1;
  started.metadata.annotations = { ...started.metadata.annotations, [ATTEMPT_ANNOTATION]: String(attempt) };
  return started;
}

function hold(workflow: Workflow, situation: Situation): Workflow {
  const message = 'Workflow processing has been postponed because too many workflows are already running';
  return withPhase(workflow, 'Pending', {
    ...storedSpec(workflow, situation),
    message,
    startedAt: null,
    finishedAt: null,
  });
}

function withPhase(workflow: Workflow, phase: Phase, status: NonNullable<Workflow['status']>): Workflow {
  const labels: Record<string, string> = {
    ...workflow.metadata.labels,
    [`${LABEL_PREFIX}phase`]: phase,
    [`${LABEL_PREFIX}completed`]: String(isFinal(phase)),
  };
  const template = workflow.spec.workflowTemplateRef;
  if (template !== undefined) {
    labels[`${LABEL_PREFIX}${template.clusterScope === true ? 'cluster-workflow-template' : 'workflow-template'}`] =
      template.name;
  }
  return {
    ...workflow,
    metadata: { ...workflow.metadata, labels },
    status: { ...workflow.status, message: '', ...status, phase },
  };
}

function storedSpec(workflow: Workflow, { spec }: Situation): Partial<NonNullable<Workflow['status']>> {
  return workflow.spec.workflowTemplateRef === undefined ? {} : { storedWorkflowTemplateSpec: spec };
}

function entryNode(workflow: Workflow, { spec }: Situation, startedAt: string): Node {
  const { name } = workflow.metadata;
  return {
    ...{ id: name, name, displayName: name, type: entryNodeType(spec), templateName: spec.entrypoint },
    ...{ phase: 'Running', startedAt, finishedAt: null, progress: '0/1' },
  };
}

function afterPause(milliseconds: number, act: () => Workflow): Step {
  return milliseconds > 0 ? { kind: 'wait', milliseconds } : write(act());
}

function write(workflow: Workflow): Step {
  return { kind: 'write', workflow };
}

/** Kubernetes times have whole seconds. */
function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
