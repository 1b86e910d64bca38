/** Links to Argo Workflows in Argo's own UI. */
import type { FireResult } from '../../src/contract/fires';

/** Adds the link to a result that is an Argo Workflow. `argoUi`: base address of the UI; without it no link is set. */
export function withArgoLink(result: FireResult, argoUi: string | undefined): FireResult {
  if (argoUi === undefined || result.kind !== 'object') return result;
  const { apiVersion, kind, namespace, name, uid } = result.object;
  if (kind !== 'Workflow' || !apiVersion.startsWith('argoproj.io/') || namespace === undefined) return result;
  return { ...result, link: `${argoUi.replace(/\/+$/, '')}/workflows/${namespace}/${name}?uid=${uid}` };
}
