/** Namespaces in which the Workflows of a sensor can be, according to its manifest. */
import { isJsonObject } from '../../src/event/json';
import type { SensorSpec, TriggerSpec, TriggerTemplate } from '../../src/manifest/sensor';
import type { ObjectReference } from '../../src/errors/object-reference';
import { parseArgoArguments } from '../../src/manifest/triggers/argo-arguments';
import { parseObject, type ReadYamlObject } from '../../src/triggers/resource-sources/parse-object';
import type { ObjectName } from '../../src/contract/definitions';

/**
 * Returns the sensor's own namespace and those that its triggers name: in their resource, or with `--namespace`. One
 * from a parameter or a fetched resource is known only to the run, which then looks up the Workflow itself.
 */
export async function outcomeNamespaces(
  { namespace, spec }: { readonly namespace: string; readonly spec: Pick<SensorSpec, 'triggers'> },
  readYaml: ReadYamlObject,
): Promise<string[]> {
  const byResource = await Promise.all(spec.triggers.map(({ template }) => namedByResource(template, readYaml)));
  const named = [...spec.triggers.map(({ template }) => namedByArguments(template)), ...byResource];
  return [...new Set([namespace, ...named.filter((name) => name !== undefined)])];
}

/** Returns true if a fire created its object in a namespace that the sensor's watch does not know. */
export async function isUnwatched(
  { namespace }: ObjectName,
  trigger: TriggerSpec,
  object: ObjectReference,
  readYaml: ReadYamlObject,
): Promise<boolean> {
  if (object.namespace === undefined || object.namespace === namespace) return false;
  const watched = await outcomeNamespaces({ namespace, spec: { triggers: [trigger] } }, readYaml);
  return !watched.includes(object.namespace);
}

function namedByArguments({ argoWorkflow }: TriggerTemplate): string | undefined {
  if (argoWorkflow?.args === undefined) return undefined;
  return unlessInvalid(() => parseArgoArguments(argoWorkflow.args ?? [], argoWorkflow.operation ?? 'submit').namespace);
}

async function namedByResource(
  { argoWorkflow, k8s }: TriggerTemplate,
  readYaml: ReadYamlObject,
): Promise<string | undefined> {
  const source = (argoWorkflow ?? k8s)?.source;
  const { inline } = source ?? {};
  const resource =
    source?.resource ??
    (inline === undefined ? undefined : await parseObject(inline, 'source.inline', readYaml).catch(() => undefined));
  const metadata = resource?.['metadata'];
  if (!isJsonObject(metadata)) return undefined;
  const namespace = metadata['namespace'];
  return typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
}

/** The fires report errors in the manifest. */
function unlessInvalid<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
