/** Turns manifests into inputs of their workflows, with namespaces and buses resolved. */
import type { EventBusDefinition, ObjectName } from '../../contract/definitions';
import type { ManifestDocument, Origin } from '../../validation/manifest-document';
import { ANNOTATION_PREFIX } from '../../manifest/annotations';
import type { Problem } from '../../manifest/problem';
import type { KindAndDefinition } from '../applied-definition';
import { APPLY_ORDER } from '../applied-kinds';

export type Desired = {
  readonly origin?: Origin;
  /** Of the manifest, as they were written. Absent if only the bus of an applied object changes. */
  readonly annotations?: Readonly<Record<string, string>>;
} & KindAndDefinition;

export interface DesiredObjects {
  /** In the order in which they are to be applied. */
  readonly desired: readonly Desired[];
  readonly problems: readonly Problem[];
}

export interface NamespaceChoice {
  /** `-n`: the namespace that the manifests must agree with. */
  readonly required?: string;
  readonly fallback: string;
}

/** Origin of what is applied, beside the manifests themselves. */
export type AppliedBy = Pick<EventBusDefinition, 'appliedBy'>;

export const DEFAULT_BUS = 'default';

/** @param findBus looks up a bus that is already applied */
export async function resolveDesired(
  documents: readonly ManifestDocument[],
  namespaces: NamespaceChoice,
  findBus: (name: ObjectName) => Promise<EventBusDefinition | undefined>,
  appliedBy: AppliedBy = {},
): Promise<DesiredObjects> {
  const desired: Desired[] = [];
  const problems: Problem[] = [];
  const buses = new Map<string, EventBusDefinition>();
  for (const kind of APPLY_ORDER) {
    for (const document of documents) {
      if (document.kind !== kind) continue;
      const { origin, object } = document;
      const annotations = ownAnnotations(object.metadata.annotations);
      const place = { ...origin, object: `${kind}/${object.metadata.name}` };
      const namespace = object.metadata.namespace ?? namespaces.required ?? namespaces.fallback;
      if (namespaces.required !== undefined && namespace !== namespaces.required) {
        problems.push(otherNamespace(place, namespace, namespaces.required));
        continue;
      }
      const name = { namespace, name: object.metadata.name };
      if (document.kind === 'EventBus') {
        const { options } = document;
        const definition = {
          ...name,
          spec: document.object.spec,
          ...(Object.keys(options).length > 0 && { options }),
        };
        buses.set(`${namespace}/${name.name}`, definition);
        desired.push({ kind: 'EventBus', origin, annotations, definition: { ...definition, ...appliedBy } });
        continue;
      }
      const busName = document.object.spec.eventBusName || DEFAULT_BUS;
      const bus = buses.get(`${namespace}/${busName}`) ?? (await findBus({ namespace, name: busName }));
      if (bus === undefined) {
        problems.push(missingBus(place, namespace, busName));
        continue;
      }
      buses.set(`${namespace}/${busName}`, bus);
      const shared = { bus: usedBus(bus), ...appliedBy };
      desired.push(
        document.kind === 'EventSource'
          ? {
              kind: 'EventSource',
              ...{ origin, annotations },
              definition: { ...name, spec: document.object.spec, options: document.options, ...shared },
            }
          : {
              kind: 'Sensor',
              ...{ origin, annotations },
              definition: { ...name, spec: document.object.spec, options: document.options, ...shared },
            },
      );
    }
  }
  return { desired, problems };
}

/** Returns the bus as its users hold it: whatever applied it is of no meaning to them. */
export function usedBus({ appliedBy: _, ...bus }: EventBusDefinition): EventBusDefinition {
  return bus;
}

/** Others are of kubectl, Argo CD and the like, and may be long. */
function ownAnnotations(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name.startsWith(ANNOTATION_PREFIX)));
}

type Place = Pick<Problem, 'file' | 'line' | 'object'>;

function missingBus(place: Place, namespace: string, busName: string): Problem {
  return {
    ...place,
    severity: 'error',
    path: 'spec.eventBusName',
    message: `unknown EventBus "${busName}" in namespace ${namespace}: neither in these files nor applied`,
    fix: 'Apply its manifest first, or together with this one.',
  };
}

function otherNamespace(place: Place, found: string, required: string): Problem {
  return {
    ...place,
    severity: 'error',
    path: 'metadata.namespace',
    message: "the manifest's namespace differs from -n",
    found,
    expected: required,
    fix: 'Leave out -n, or metadata.namespace.',
  };
}
