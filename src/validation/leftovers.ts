/**
 * Fields of other Argo Events versions than ours: former ones, which its examples and docs still show and its code
 * ignores, and later ones.
 *
 * Every other unknown field is an error. Of these, fields that were only renamed are read; those without any useful
 * effect are dropped with a warning; those that decided when or where something happens are rejected with advice,
 * because ignoring them would do something else than was requested.
 */
import type { FieldPath } from '../manifest/problem';

export interface Leftover {
  /** Segments; `*` matches any one, `**` any number of them. */
  readonly path: readonly string[];
  readonly advice: string;
  /** `ignored` if omitted. `inside`: the value becomes this field of the one that it is read as. */
  readonly outcome?: 'refused' | { readonly readAs: string; readonly inside?: string };
  /** A field of versions after 1.9, the version that Sluice follows. */
  readonly isLater?: boolean;
}

const REMOVE = 'Remove it.';
const NO_NAMESPACE = 'Remove it: Secrets and ConfigMaps are read from the namespace of the manifest.';
const TRIGGER = ['spec', 'triggers', '*', '**'] as const;
const TEMPLATE = [...TRIGGER, 'template'] as const;

const refused = (path: readonly string[], advice: string): Leftover => ({ path, advice, outcome: 'refused' });
const renamed = (path: readonly string[], readAs: string): Leftover => ({
  path,
  advice: `Write ${readAs}.`,
  outcome: { readAs },
});

const later = (leftover: Leftover): Leftover => ({ ...leftover, isLater: true });

/** Certificates were files in the pod before they were keys of Secrets. */
const TLS_FILES = Object.entries({
  caCertPath: 'caCertSecret',
  clientCertPath: 'clientCertSecret',
  clientKeyPath: 'clientKeySecret',
}).map(([file, secret]) =>
  refused(['spec', '**', 'tls', file], `Put the file into a Secret, and write ${secret} with its name and key.`),
);

const POD_FIELDS = [
  ...['serviceLabels', 'serviceAnnotations', 'deploySpec', 'deploymentSpec', 'eventProtocol', 'type'].map(
    (field): Leftover => ({ path: ['spec', field], advice: REMOVE }),
  ),
  { path: ['spec', 'template', 'spec'], advice: 'Remove it, or write its fields directly under template.' },
  renamed(['spec', 'replica'], 'replicas'),
  later({ path: ['spec', 'logLevel'], advice: 'Remove it: set the log level where the workers are started.' }),
];

const LEFTOVERS: Readonly<Record<string, readonly Leftover[]>> = {
  EventBus: [
    { path: ['spec', 'nats', 'native', 'antiAffinity'], advice: 'Write affinity.' },
    renamed(['spec', 'nats', 'native', 'size'], 'replicas'),
    { path: ['spec', 'jetstream', 'encryption'], advice: REMOVE },
  ],
  EventSource: [
    ...POD_FIELDS,
    ...TLS_FILES,
    ...['Cert', 'Key'].map((part) =>
      refused(
        ['spec', '**', `server${part}Path`],
        `Put the file into a Secret, and write server${part}Secret with its name and key.`,
      ),
    ),
    { path: ['spec', 'bitbucketserver', '*', 'enableSSLVerification'], advice: 'Remove it, or write tls.' },
    renamed(['spec', 'gitlab', '*', 'hook'], 'webhook'),
    later(refused(['spec', 'imap'], 'Run the event source in a version of Argo Events that has it, on the same bus.')),
    { path: ['spec', 'pubSub', '*', 'credentialsFile'], advice: 'Write credentialSecret.' },
    {
      path: ['spec', 'pubSub', '*', 'enableWorkflowIdentity'],
      advice: 'Remove it: without credentialSecret the identity is used.',
    },
    { path: ['spec', 'calendar', '*', 'userPayload'], advice: 'Put static data under metadata.' },
    renamed(['spec', 'calendar', '*', 'recurrence'], 'exclusionDates'),
    refused(['spec', 'gitlab', '*', 'event'], 'Write events, a list.'),
    refused(['spec', 'github', '*', 'event'], 'Write events, a list.'),
    { path: ['spec', 'gitlab', '*', 'allowDuplicate'], advice: REMOVE },
    refused(['spec', 'redis', '*', 'hostPassword'], 'Write password with the name and key of a Secret.'),
    { path: ['spec', '*', '*', 'namespace'], advice: NO_NAMESPACE },
    { path: ['spec', '**', 'password', 'namespace'], advice: NO_NAMESPACE },
  ],
  Sensor: [
    ...POD_FIELDS,
    ...TLS_FILES,
    { path: ['spec', 'subscription'], advice: REMOVE },
    ...['circuit', 'dependencyGroups'].map((field) =>
      refused(['spec', field], 'Write conditions in the template of each trigger, such as: (a && b) || c.'),
    ),
    refused(['spec', 'signals'], 'Write dependencies, each with name, eventSourceName and eventName.'),
    renamed(['spec', 'dependencies', '*', 'gatewayName'], 'eventSourceName'),
    {
      path: ['spec', 'dependencies', '*', 'jqExpr'],
      advice: 'Write transform with jq in it.',
      outcome: { readAs: 'transform', inside: 'jq' },
    },
    later({
      path: ['spec', 'dependencies', '*', 'jetStream'],
      advice: 'Remove it. The annotation sluice.io/start-from sets where a Sensor starts.',
    }),
    { path: ['spec', 'dependencies', '*', 'connected'], advice: REMOVE },
    { path: ['spec', 'dependencies', '*', 'deadline'], advice: REMOVE },
    { path: ['spec', 'dependencies', '*', 'filters', 'name'], advice: REMOVE },
    {
      path: ['spec', 'dependencies', '*', 'filters', 'logicalOperator'],
      advice: 'Write filtersLogicalOperator beside filters, or dataLogicalOperator and exprLogicalOperator in it.',
    },
    ...Object.entries({
      eventType: 'type',
      contentType: 'datacontenttype',
      dataContentType: 'datacontenttype',
      eventID: 'id',
      cloudEventsVersion: 'specversion',
      specVersion: 'specversion',
      eventTime: 'time',
    }).map(([former, field]) => renamed(['spec', 'dependencies', '*', 'filters', 'context', former], field)),
    ...['extensions', 'eventTypeVersion', 'schemaURL'].map((field) =>
      refused(
        ['spec', 'dependencies', '*', 'filters', 'context', field],
        'Remove it, or compare a field of the data instead.',
      ),
    ),
    ...['switch', 'when'].map((field) =>
      refused([...TEMPLATE, field], 'Write conditions in its place: any is a || b, all is a && b.'),
    ),
    ...['source', 'group', 'version', 'resource'].map((field) =>
      refused(
        [...TEMPLATE, field],
        'Write k8s with source and operation; kind and version come from the object itself.',
      ),
    ),
    refused([...TRIGGER, 'resourceParameters'], 'Write parameters inside the k8s or argoWorkflow block.'),
    renamed([...TRIGGER, 'templateParameters'], 'parameters'),
    refused([...TRIGGER, 'policy', 'type'], 'Write policy.k8s with labels, or policy.status with allow.'),
    refused([...TRIGGER, 'policy', 'state'], 'Write policy.k8s.labels with the labels that mean success.'),
    refused([...TRIGGER, 'policy', 'resourceLabels'], 'Write policy.k8s with labels and backoff.'),
    refused([...TRIGGER, 'policy', 'backoff'], 'Write it as policy.k8s.backoff.'),
    refused([...TRIGGER, 'policy', 'errorOnBackoffTimeout'], 'Write it as policy.k8s.errorOnBackoffTimeout.'),
    refused([...TRIGGER, 'policy', 'statusPolicy'], 'Write policy.status with allow.'),
    ...['k8s', 'argoWorkflow'].flatMap((block) =>
      ['group', 'version', 'resource', 'kind'].map((field) => ({
        path: [...TEMPLATE, block, field],
        advice: 'Remove it: kind and version come from the object itself.',
      })),
    ),
    later(refused([...TRIGGER, 'weight'], 'Remove it, and let a filter choose which events are for this trigger.')),
    later(
      refused(
        [...TEMPLATE, 'grpc'],
        'Write a custom trigger, which calls a gRPC server, or an http trigger that calls a gateway to it.',
      ),
    ),
    later(refused([...TEMPLATE, 'gcpCloudFunctions'], 'Write an http trigger that calls the URL of the function.')),
    refused(
      [...TEMPLATE, 'openFaas'],
      'Write an http trigger that calls the gateway: http://gateway:8080/function/NAME.',
    ),
    renamed([...TEMPLATE, 'http', 'serverURL'], 'url'),
    refused([...TEMPLATE, 'http', 'verifyCert'], 'Write tls.insecureSkipVerify with the opposite value.'),
    refused(
      [...TEMPLATE, 'custom', 'certFilePath'],
      'Put the file into a Secret, and write certSecret with its name and key.',
    ),
    renamed([...TEMPLATE, 'custom', 'triggerBody'], 'spec'),
    renamed([...TEMPLATE, 'custom', 'triggerSpec'], 'spec'),
    { path: [...TEMPLATE, 'slack', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, 'awsLambda', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'basicAuth', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'source', '*', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'source', 'git', 'creds', 'namespace'], advice: NO_NAMESPACE },
    { path: [...TEMPLATE, '*', 'source', 'git', 'sshKeyPath'], advice: 'Write sshKeySecret.' },
  ],
};

/** A field of another version, or undefined if it is simply unknown. */
export function findLeftover(kind: string, path: FieldPath): Leftover | undefined {
  const segments = path.map((key) => String(key).toLowerCase());
  return LEFTOVERS[kind]?.find((leftover) => matches(leftover.path, segments));
}

/** Ignores case, as Go does for names; `path` is in lower case. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === '**') return path.some((_, index) => matches(rest, path.slice(index))) || matches(rest, []);
  return path.length > 0 && (first === '*' || first.toLowerCase() === path[0]) && matches(rest, path.slice(1));
}
