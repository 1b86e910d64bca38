/** Fields that describe pods of Argo Events: Sluice has no pods for each object, so they change nothing. */
import type { z } from 'zod';
import type { podTemplate } from '../manifest/common';
import type { FieldPath, Findings } from '../manifest/problem';

type PodTemplate = z.infer<typeof podTemplate>;

/** One warning that lists all of them. */
export function warnOfPodFields(
  { container, ...pod }: PodTemplate,
  effective: ReadonlyArray<keyof PodTemplate>,
  findings: Findings,
): void {
  const ofPod = setFields(pod).filter((field) => !effective.some((known) => known === field));
  const fields: readonly FieldPath[] = [
    ...ofPod.map((field) => [field]),
    ...setFields(container ?? {}).map((field) => ['container', field]),
  ];
  const [first = [], ...others] = fields;
  if (fields.length === 0) return;
  const names = fields.map((path) => path.join('.')).join(', ');
  findings
    .at(...(others.length === 0 ? first : []))
    .warning(`no effect: ${names}. The workers run all objects, and no pod is made for this one`, {
      fix: adviceFor(names),
    });
}

function adviceFor(names: string): string {
  const forWorkers = 'Set what the workers need in their own Deployment, and remove it here.';
  return /volume|env/i.test(names)
    ? `${forWorkers} Secrets as files: SLUICE_SECRETS_DIR; files of triggers: SLUICE_FILES_DIR.`
    : forWorkers;
}

export function warnOfReplicas(replicas: number | undefined, advice: string, findings: Findings): void {
  if (replicas === undefined || replicas <= 1) return;
  findings.at('replicas').warning('no effect: any number of workers runs this object, whatever it says', {
    fix: `${advice} and remove it here.`,
  });
}

function setFields(fields: object): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]) => (isEmpty(value) ? [] : [name]));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
