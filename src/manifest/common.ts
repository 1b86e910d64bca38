/** Building blocks that EventBus, EventSource and Sensor share. */
import { z } from 'zod';

/** Required text: Argo Events treats an empty string as "not set". */
export const requiredText = z.string().min(1);
export const optionalText = z.string().optional();
export const optionalFlag = z.boolean().optional();
export const stringMap = z.record(z.string(), z.string());

/** A Kubernetes object or a part of one: validated by the API server, not here. */
export const kubernetesFields = z.record(z.string(), z.json());
export type KubernetesFields = z.infer<typeof kubernetesFields>;

/** `{name, key}` of a Secret in the namespace of the manifest. */
export const secretKeySelector = z.strictObject({
  name: requiredText.describe('Name of the Secret.'),
  key: requiredText.describe('Key in the Secret.'),
  optional: optionalFlag.describe('Accepted; a Secret that is missing is reported when it is needed.'),
});
export type SecretKeySelector = z.infer<typeof secretKeySelector>;

/** `{name, key}` of a ConfigMap in the namespace of the manifest. */
export const configMapKeySelector = z.strictObject({
  name: requiredText.describe('Name of the ConfigMap.'),
  key: requiredText.describe('Key in the ConfigMap.'),
  optional: optionalFlag.describe('Accepted; a ConfigMap that is missing is reported when it is needed.'),
});

export const tlsConfig = z.strictObject({
  caCertSecret: secretKeySelector
    .optional()
    .describe('Certificate authority to trust instead of those of the system, PEM.'),
  clientCertSecret: secretKeySelector.optional().describe('Client certificate, PEM; needs clientKeySecret.'),
  clientKeySecret: secretKeySelector.optional().describe('Key of the client certificate, PEM.'),
  insecureSkipVerify: optionalFlag.describe('Trust any certificate of the server.'),
  enabled: optionalFlag.describe('Use TLS with the certificates that the system trusts.'),
});
export type TlsConfig = z.infer<typeof tlsConfig>;

/** Nanoseconds as an integer, or a Go duration such as `1s` or `1m30s`. */
const durationOrNanoseconds = z.union([z.int(), z.string().min(1, { error: 'a Go duration such as "10s"' })]);

/** A number, or its decimal text. */
const amount = z.union([
  z.number(),
  z.string().regex(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, { error: 'a number, such as 1.5' }),
]);

export const retryStrategy = z.strictObject({
  duration: durationOrNanoseconds.optional().describe('Wait before the second attempt: Go duration or nanoseconds.'),
  factor: amount.optional().describe('Each wait is this many times the one before.'),
  jitter: amount.optional().describe('Up to this part of each wait is added at random.'),
  steps: z.int().optional().describe('Number of attempts.'),
});
export type RetryStrategy = z.infer<typeof retryStrategy>;

const SASL_MECHANISMS = ['PLAIN', 'OAUTHBEARER', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'GSSAPI'] as const;
export const saslConfig = z.strictObject({
  mechanism: z.enum(SASL_MECHANISMS).optional().describe('Mechanism of the login; default PLAIN.'),
  userSecret: secretKeySelector.describe('User.'),
  passwordSecret: secretKeySelector.describe('Password.'),
});
export type SaslConfig = z.infer<typeof saslConfig>;

export const basicAuth = z.strictObject({
  username: secretKeySelector.optional().describe('User.'),
  password: secretKeySelector.optional().describe('Password.'),
});
export type BasicAuth = z.infer<typeof basicAuth>;

export const natsAuth = z.strictObject({
  basic: basicAuth.optional().describe('User and password.'),
  token: secretKeySelector.optional().describe('Token.'),
  nkey: secretKeySelector.optional().describe('Seed of an nkey.'),
  credential: secretKeySelector.optional().describe('Content of a NATS credentials file.'),
});
export type NatsAuth = z.infer<typeof natsAuth>;

export const schemaRegistry = z.strictObject({
  url: requiredText.describe('Address of the Avro schema registry.'),
  schemaId: z.int().optional().describe('Id of the schema to encode with.'),
  auth: basicAuth.optional().describe('Login at the registry.'),
});

/** Header whose value comes from a Secret or a ConfigMap. */
export const secureHeader = z.strictObject({
  name: requiredText.describe('Name of the header.'),
  valueFrom: z
    .strictObject({
      secretKeyRef: secretKeySelector.optional().describe('Key of a Secret.'),
      configMapKeyRef: configMapKeySelector.optional().describe('Key of a ConfigMap.'),
    })
    .describe('Where its value is kept.'),
});
export type SecureHeader = z.infer<typeof secureHeader>;

/** Labels and annotations of pods and services that Argo Events would create. */
const podMetadata = z.strictObject({
  annotations: stringMap.optional().describe('Annotations, by name.'),
  labels: stringMap.optional().describe('Labels, by name.'),
});

export const containerTemplate = z.strictObject({
  resources: kubernetesFields
    .optional()
    .describe('Requests and limits of the container. Without effect: Sluice runs no pod for an object.'),
  imagePullPolicy: optionalText.describe('When the image is pulled. Without effect: Sluice runs no pod for an object.'),
  securityContext: kubernetesFields
    .optional()
    .describe('Security context of the container. Without effect: Sluice runs no pod for an object.'),
});

const kubernetesList = z.array(kubernetesFields).optional();

/** Where a pod may run. Only Argo Events creates pods; Sluice accepts and ignores these fields. */
export const podPlacement = {
  metadata: podMetadata
    .optional()
    .describe('Labels and annotations of the pod. Without effect: Sluice runs no pod for an object.'),
  nodeSelector: stringMap
    .optional()
    .describe('Labels of the nodes for the pod. Without effect: Sluice runs no pod for an object.'),
  tolerations: kubernetesList.describe(
    'Taints that the pod tolerates. Without effect: Sluice runs no pod for an object.',
  ),
  securityContext: kubernetesFields
    .optional()
    .describe('Security context of the pod. Without effect: Sluice runs no pod for an object.'),
  imagePullSecrets: kubernetesList.describe(
    'Secrets for pulling the image. Without effect: Sluice runs no pod for an object.',
  ),
  priorityClassName: optionalText.describe(
    'Priority class of the pod. Without effect: Sluice runs no pod for an object.',
  ),
  priority: z.int().optional().describe('Priority of the pod. Without effect: Sluice runs no pod for an object.'),
  affinity: kubernetesFields
    .optional()
    .describe('Affinity of the pod. Without effect: Sluice runs no pod for an object.'),
  serviceAccountName: optionalText.describe(
    'Service account whose rights are used: of a Sensor for k8s and argoWorkflow triggers, of an EventSource for resource events.',
  ),
};

/** Pod template of an EventSource or a Sensor. */
export const podTemplate = z.strictObject({
  ...podPlacement,
  container: containerTemplate
    .extend({
      volumeMounts: kubernetesList.describe(
        'Mounts of the container. Without effect: Sluice runs no pod for an object.',
      ),
      env: kubernetesList.describe('Environment of the container. Without effect: Sluice runs no pod for an object.'),
      envFrom: kubernetesList.describe(
        'Sources of the environment of the container. Without effect: Sluice runs no pod for an object.',
      ),
    })
    .optional()
    .describe('The container of the pod. Without effect: Sluice runs no pod for an object.'),
  volumes: kubernetesList.describe('Volumes of the pod. Without effect: Sluice runs no pod for an object.'),
});

/** Service that Argo Events would put in front of an EventSource's pod. */
export const serviceTemplate = z.strictObject({
  metadata: podMetadata.optional().describe('Labels and annotations of the Service.'),
  ports: kubernetesList.describe('Ports of the Service, as in its own spec.'),
  clusterIP: optionalText.describe('Fixed address of the Service, or None.'),
});

/** `metadata` of any Kubernetes object; accepts what the API server adds, so `kubectl get -o yaml` output works. */
const objectMeta = z.strictObject({
  name: requiredText.describe('Name of the object, unique for its kind in the namespace.'),
  namespace: optionalText.describe('Namespace of the object.'),
  labels: stringMap.optional().describe('Labels, by name.'),
  annotations: stringMap.optional().describe('Annotations, by name; those that begin with sluice.io/ are options.'),
  generateName: optionalText.describe('Prefix of a generated name.'),
  selfLink: optionalText.describe('Set by the API server.'),
  uid: optionalText.describe('Set by the API server.'),
  resourceVersion: optionalText.describe('Set by the API server.'),
  generation: z.int().optional().describe('Set by the API server: counts changes of the spec.'),
  creationTimestamp: optionalText.describe('Set by the API server.'),
  deletionTimestamp: optionalText.describe('Set by the API server.'),
  deletionGracePeriodSeconds: z.int().optional().describe('Set by the API server.'),
  ownerReferences: kubernetesList.describe('Objects with which this one is deleted.'),
  finalizers: z.array(z.string()).optional().describe('What must happen before the object is deleted.'),
  managedFields: kubernetesList.describe('Set by the API server.'),
  clusterName: optionalText.describe('Set by the API server.'),
});

export const API_VERSION = 'argoproj.io/v1alpha1';

/** The frame that all three kinds share. */
export function manifestSchema<Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) {
  return z.strictObject({
    apiVersion: z.literal(API_VERSION).describe('Group and version of the kind.'),
    kind: z.literal(kind).describe('Kind of the object.'),
    metadata: objectMeta.describe('Name, namespace, labels and annotations.'),
    spec,
    status: kubernetesFields.optional().describe('Written by the controller.'),
  });
}
