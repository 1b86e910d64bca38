import type { FinalPhase, Parameter, Workflow } from './workflow';

const PREFIX = 'stand-in.sluice.dev/';

/** Annotation in which the stand-in counts the runs of one object, which a retry increases. */
export const ATTEMPT_ANNOTATION = `${PREFIX}attempt`;

/**
 * The behaviour of a Workflow, read from its annotations or else from those of its template:
 * `stand-in.sluice.dev/outcome` (Succeeded, Failed or Error; a comma-separated list gives one for each attempt),
 * `…/duration-ms` (from start to end), `…/pending-ms` (before the start), `…/message` (of a failure),
 * `…/outputs` (JSON object of output parameters; `{{workflow.name}}` stands for the name).
 */
export interface Behaviour {
  outcome: FinalPhase;
  durationMs: number;
  pendingMs: number;
  message: string;
  outputs: Parameter[];
}

/** Reads the behaviour. A Workflow whose annotations cannot be parsed ends in Error with the reason. */
export function readBehaviour(
  workflow: Workflow,
  template: Record<string, string>,
  defaultDurationMs: number,
): Behaviour {
  const annotations = { ...template, ...workflow.metadata.annotations };
  try {
    return parseBehaviour(annotations, workflow.metadata.name, defaultDurationMs);
  } catch (error) {
    return { outcome: 'Error', durationMs: 0, pendingMs: 0, message: String(error), outputs: [] };
  }
}

function parseBehaviour(annotations: Record<string, string>, name: string, defaultDurationMs: number): Behaviour {
  const read = (key: string) => annotations[`${PREFIX}${key}`];
  const attempt = Number(annotations[ATTEMPT_ANNOTATION] ?? '1');
  const outcomes = (read('outcome') ?? 'Succeeded').split(',').map((outcome) => parseOutcome(outcome.trim()));
  return {
    outcome: outcomes[attempt - 1] ?? outcomes.at(-1) ?? 'Succeeded',
    durationMs: parseDuration(read('duration-ms'), defaultDurationMs),
    pendingMs: parseDuration(read('pending-ms'), 0),
    message: read('message') ?? 'main: Error (exit code 1)',
    outputs: parseOutputs(read('outputs'), name),
  };
}

function parseOutcome(text: string): FinalPhase {
  if (text === 'Succeeded' || text === 'Failed' || text === 'Error') return text;
  throw new Error(`annotation ${PREFIX}outcome is "${text}", expected Succeeded, Failed or Error`);
}

function parseDuration(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const milliseconds = Number(text);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  throw new Error(`a duration annotation is "${text}", expected milliseconds`);
}

function parseOutputs(text: string | undefined, workflowName: string): Parameter[] {
  if (text === undefined) return [];
  const outputs = JSON.parse(text) as Record<string, string>;
  return Object.entries(outputs).map(([name, value]) => ({
    name,
    value: value.replaceAll('{{workflow.name}}', workflowName),
  }));
}
