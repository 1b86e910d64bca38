/** What of an ended Workflow is told in words and values, cut to what a hundred of them may take of a run. Pure. */
import type { KubernetesObject } from '../kubernetes-object';
import { failureReason } from './failure-reason';
import { readableNodes } from './node-packing';
import type { WorkflowStatus } from './workflow-status';

/**
 * A run of a hundred Workflows hands on all their outcomes in one step, and Temporal takes 2 MB. Whoever needs a larger
 * value reads the object.
 */
const MAX_VALUE_BYTES = 4_096;
const MAX_OUTPUTS_BYTES = 8_192;

const OUT_OF_REACH =
  "its nodes are kept in the Argo controller's database, so only output parameters with a globalName are known";

/** Why it failed. Empty on success, unless output parameters are out of reach. */
export function outcomeMessage(object: KubernetesObject, status: WorkflowStatus): string {
  const reason = shorten(failureReason({ metadata: object.metadata, status }), MAX_VALUE_BYTES);
  if (!status.offloadNodeStatusVersion) return reason;
  return reason === '' ? OUT_OF_REACH : `${reason} (${OUT_OF_REACH})`;
}

/** Global output parameters and those of the entry node, which win. */
export function readOutputs(workflowName: string, status: WorkflowStatus): Record<string, string> {
  const entry = readableNodes(status)[workflowName];
  const parameters = [...(status.outputs?.parameters ?? []), ...(entry?.outputs?.parameters ?? [])];
  const values = new Map<string, string>();
  for (const { name, value } of parameters) if (value !== undefined) values.set(name, value);
  const outputs: Array<[string, string]> = [];
  let left = MAX_OUTPUTS_BYTES;
  for (const [name, value] of values) {
    left -= Buffer.byteLength(name);
    if (left <= 0) break;
    const kept = shorten(value, Math.min(MAX_VALUE_BYTES, left));
    left -= Buffer.byteLength(kept);
    outputs.push([name, kept]);
  }
  // A name may be `__proto__`.
  return Object.fromEntries(outputs);
}

/** The beginning of a text, with `…` where something was cut off. */
function shorten(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  // A character that was cut in two decodes to the one that stands for the unreadable.
  return `${bytes.subarray(0, maxBytes).toString('utf8').replace(/�+$/, '')}…`;
}
