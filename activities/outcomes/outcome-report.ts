/** Reports to a run how an Argo Workflow ended, within the limits of Temporal. Pure. */
import { jsonBytes } from '../../src/text/json-bytes';
import type { WorkflowOutcome } from '../../src/kubernetes/workflow-outcomes';
import type { WorkflowOutcomeReport } from '../../src/contract/fires';

/** Temporal accepts 2 MB in one signal or result, and the run keeps its reports. */
export const MAX_REPORT_BYTES = 1_000_000;
const MAX_CUT_MESSAGE = 2_000;
const MAX_NAMED_OUTPUTS = 5;
const MAX_NAME = 60;

/** Omits the largest outputs first if they exceed `maxBytes` together; the message then names the omitted ones. */
export function toReport(outcome: WorkflowOutcome, maxBytes = MAX_REPORT_BYTES): WorkflowOutcomeReport {
  const { fireId, object, phase, message, startedAt, finishedAt, outputs } = outcome;
  const report: WorkflowOutcomeReport = {
    fireId,
    uid: object.uid,
    phase,
    message,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    outputs,
  };
  return jsonBytes(report) <= maxBytes ? report : shorten(report, maxBytes);
}

/** All reports in one message: if they are too large together, each gets its share. */
export function toReports(
  outcomes: readonly WorkflowOutcome[],
  maxBytes = MAX_REPORT_BYTES,
): readonly WorkflowOutcomeReport[] {
  const reports = outcomes.map((outcome) => toReport(outcome, maxBytes));
  if (jsonBytes(reports) <= maxBytes) return reports;
  const share = Math.floor(maxBytes / outcomes.length);
  return outcomes.map((outcome) => toReport(outcome, share));
}

function shorten(report: WorkflowOutcomeReport, maxBytes: number): WorkflowOutcomeReport {
  const message = cut(report.message, MAX_CUT_MESSAGE);
  const outputs: Record<string, string> = {};
  const leftOut: string[] = [];
  // Reserves space for the message with its note, whatever its characters are.
  let bytes = jsonBytes({ ...report, message, outputs }) + 4 * MAX_NAME * MAX_NAMED_OUTPUTS + 200;
  const bySize = Object.entries(report.outputs)
    .map(([name, value]) => ({ name, value, size: jsonBytes({ [name]: value }) }))
    .sort((a, b) => a.size - b.size);
  for (const { name, value, size } of bySize) {
    bytes += size;
    if (bytes <= maxBytes) outputs[name] = value;
    else leftOut.push(name);
  }
  if (leftOut.length === 0) return { ...report, message, outputs };
  const named = leftOut.slice(-MAX_NAMED_OUTPUTS).map((name) => cut(name, MAX_NAME));
  const others = leftOut.length - named.length;
  const note = `outputs left out, as they are larger than Temporal accepts: ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
  return { ...report, message: message === '' ? note : `${message} (${note})`, outputs };
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
