/** An ended Workflow as text and values, cut so that a hundred of them fit into a run. Pure. */
import { MAX_VALUE_BYTES, type NodeSummary } from './node-summary';
import { shorten } from './shorten';
import type { WorkflowStatus } from './workflow-status';

const MAX_OUTPUTS_BYTES = 8_192;

const OUT_OF_REACH =
  "its nodes are kept in the Argo controller's database, so only output parameters with a globalName are known";

/** Returns why it failed. Empty on success, unless output parameters are out of reach. */
export function outcomeMessage(status: WorkflowStatus, { failures }: NodeSummary): string {
  const reason = shorten(failureReason(status, failures), MAX_VALUE_BYTES);
  if (!status.offloadNodeStatusVersion) return reason;
  return reason === '' ? OUT_OF_REACH : `${reason} (${OUT_OF_REACH})`;
}

/** Returns the Workflow's message, or the failed nodes if it has none or only names a child: DAGs leave it empty. */
function failureReason(status: WorkflowStatus, failures: string): string {
  const message = status.message ?? '';
  if (status.phase !== 'Failed' && status.phase !== 'Error') return message;
  if (message !== '' && !/^child '.*' failed$/.test(message)) return message;
  return failures === '' ? message : failures;
}

/** Returns global output parameters and those of the entry node, which take precedence. */
export function readOutputs(status: WorkflowStatus, { outputs: entry }: NodeSummary): Record<string, string> {
  const values = new Map<string, string>();
  for (const { name, value } of [...(status.outputs?.parameters ?? []), ...entry]) {
    if (value !== undefined) values.set(name, value);
  }
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
