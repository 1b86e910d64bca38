/**
 * Fields of former Argo Events versions that its examples and docs still show and its code ignores.
 *
 * Everything else unknown is an error; these are dropped with a warning, so that such manifests can be applied as
 * they are.
 */
import type { FieldPath } from './problem';

interface Leftover {
  /** Segments; `*` stands for any one. */
  readonly path: readonly string[];
  readonly advice: string;
}

const REMOVE = 'Remove it.';
const NO_NAMESPACE = 'Remove it: Secrets and ConfigMaps are read from the namespace of the manifest.';
const TEMPLATE = ['spec', 'triggers', '*', 'template'] as const;

const LEFTOVERS: Readonly<Record<string, readonly Leftover[]>> = {
  EventBus: [{ path: ['spec', 'nats', 'native', 'antiAffinity'], advice: 'Write affinity.' }],
  EventSource: [
    { path: ['spec', 'type'], advice: REMOVE },
    { path: ['spec', 'bitbucketserver', '*', 'enableSSLVerification'], advice: 'Remove it, or write tls.' },
    { path: ['spec', 'pubSub', '*', 'credentialsFile'], advice: 'Write credentialSecret.' },
    {
      path: ['spec', 'pubSub', '*', 'enableWorkflowIdentity'],
      advice: 'Remove it: without credentialSecret the identity is used.',
    },
    { path: ['spec', 'calendar', '*', 'userPayload'], advice: 'Put static data under metadata.' },
    { path: ['spec', '*', '*', 'namespace'], advice: NO_NAMESPACE },
  ],
  Sensor: [
    { path: ['spec', 'subscription'], advice: REMOVE },
    { path: ['spec', 'dependencies', '*', 'filters', 'name'], advice: REMOVE },
    {
      path: ['spec', 'dependencies', '*', 'filters', 'logicalOperator'],
      advice: 'Write filtersLogicalOperator beside filters, or dataLogicalOperator and exprLogicalOperator in it.',
    },
    ...['group', 'version', 'resource', 'kind'].map((field) => ({
      path: [...TEMPLATE, 'k8s', field],
      advice: 'Remove it: kind and version come from the object itself.',
    })),
    { path: [...TEMPLATE, 'slack', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, 'awsLambda', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'basicAuth', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'source', '*', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'source', 'git', 'sshKeyPath'], advice: 'Write sshKeySecret.' },
  ],
};

/** What to do about a field that has no meaning any more, or undefined if it is simply unknown. */
export function adviceOnLeftover(kind: string, path: FieldPath): string | undefined {
  return LEFTOVERS[kind]?.find((leftover) => matches(leftover.path, path))?.advice;
}

function matches(pattern: readonly string[], path: FieldPath): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((segment, index) => segment === '*' || segment === String(path[index]))
  );
}
