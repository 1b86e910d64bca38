/**
 * Links from the details of one workflow to other pages of the Temporal UI. Pure.
 *
 * They are relative to `/render`, where the UI renders details, so they hold wherever the UI is served.
 */
import { asCode, asLink } from './markdown-text';

export function linkToWorkflow(temporalNamespace: string, workflowId: string): string {
  return asLink(asCode(workflowId), `namespaces/${temporalNamespace}/workflows/${encodeURIComponent(workflowId)}`);
}

/** `query`: as in the filter of the list of workflows. */
export function linkToList(label: string, temporalNamespace: string, query: string): string {
  return asLink(label, `namespaces/${temporalNamespace}/workflows?query=${encodeURIComponent(query)}`);
}
