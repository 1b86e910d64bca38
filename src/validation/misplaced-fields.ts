/**
 * `policy`, `retryStrategy` and the like belong to the trigger, but official Argo Events examples write some of them
 * under `template`, where Argo Events silently ignores them. They are read as if they were in the right place.
 */
import { isFields } from '../manifest/fields';
import { Findings, formatPath, type FieldPath, type Finding } from '../manifest/problem';

const TRIGGER_FIELDS = ['policy', 'retryStrategy', 'rateLimit', 'atLeastOnce', 'dlqTrigger'];

/** Returns a changed copy of a Sensor document. */
export function hoistTriggerFields(document: unknown): { value: unknown; findings: Finding[] } {
  const findings = new Findings();
  if (!isFields(document) || !isFields(document['spec']) || !Array.isArray(document['spec']['triggers'])) {
    return { value: document, findings: [] };
  }
  const triggers = document['spec']['triggers'].map((trigger, index) =>
    hoistFromTemplate(trigger, ['spec', 'triggers', index], findings),
  );
  return { value: { ...document, spec: { ...document['spec'], triggers } }, findings: findings.list };
}

function hoistFromTemplate(trigger: unknown, path: FieldPath, findings: Findings): unknown {
  if (!isFields(trigger)) return trigger;
  const hoisted: Record<string, unknown> = { ...trigger };
  const template = trigger['template'];
  if (isFields(template)) {
    const kept: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(template)) {
      const field = TRIGGER_FIELDS.find((name) => name.toLowerCase() === key.toLowerCase());
      if (field === undefined) {
        kept[key] = value;
        continue;
      }
      const here = findings.at(...path, 'template', key);
      const right = formatPath([...path, field]);
      if (field in trigger) {
        here.error(`${field} is set both under template and on the trigger`, { fix: `Keep the one at ${right}.` });
        continue;
      }
      hoisted[field] = value;
      here.warning(`${field} belongs to the trigger, not to its template; read as ${right}`, {
        fix: `Move it to ${right}. Argo Events ignores it here.`,
      });
    }
    hoisted['template'] = kept;
  }
  if (hoisted['dlqTrigger'] !== undefined) {
    hoisted['dlqTrigger'] = hoistFromTemplate(hoisted['dlqTrigger'], [...path, 'dlqTrigger'], findings);
  }
  return hoisted;
}
