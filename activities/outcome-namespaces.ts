/** Where the Workflows of a sensor can be, as far as its manifest says. Pure. */
import { isJsonObject } from '../src/event/json';
import type { SensorSpec, TriggerTemplate } from '../src/manifest/sensor';
import { parseArgoArguments } from '../src/triggers/argo/cli-arguments';
import { parseObject } from '../src/triggers/resource-sources/registry';

/**
 * The sensor's own namespace, and those that its triggers name: in their resource, or with `--namespace`. One that a
 * parameter names, or a resource that is fetched, is known to the run alone, which then looks for itself.
 */
export function outcomeNamespaces({ namespace, spec }: { namespace: string; spec: SensorSpec }): string[] {
  const named = spec.triggers.flatMap(({ template }) => [namedByArguments(template), namedByResource(template)]);
  return [...new Set([namespace, ...named.filter((name) => name !== undefined)])];
}

function namedByArguments({ argoWorkflow }: TriggerTemplate): string | undefined {
  if (argoWorkflow?.args === undefined) return undefined;
  return unlessInvalid(() => parseArgoArguments(argoWorkflow.args ?? [], argoWorkflow.operation ?? 'submit').namespace);
}

function namedByResource({ argoWorkflow, k8s }: TriggerTemplate): string | undefined {
  const source = (argoWorkflow ?? k8s)?.source;
  const { inline } = source ?? {};
  const resource =
    source?.resource ?? (inline === undefined ? undefined : unlessInvalid(() => parseObject(inline, 'source.inline')));
  const metadata = resource?.['metadata'];
  if (!isJsonObject(metadata)) return undefined;
  const namespace = metadata['namespace'];
  return typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
}

/** What is wrong with a manifest, its fires say. */
function unlessInvalid<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
