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
  name: requiredText,
  key: requiredText,
  optional: optionalFlag,
});
export type SecretKeySelector = z.infer<typeof secretKeySelector>;

/** `{name, key}` of a ConfigMap in the namespace of the manifest. */
export const configMapKeySelector = z.strictObject({
  name: requiredText,
  key: requiredText,
  optional: optionalFlag,
});

export const tlsConfig = z.strictObject({
  caCertSecret: secretKeySelector.optional(),
  clientCertSecret: secretKeySelector.optional(),
  clientKeySecret: secretKeySelector.optional(),
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
  mechanism: z.enum(SASL_MECHANISMS).optional(),
  userSecret: secretKeySelector,
  passwordSecret: secretKeySelector,
});
export type SaslConfig = z.infer<typeof saslConfig>;

export const basicAuth = z.strictObject({
  username: secretKeySelector.optional(),
  password: secretKeySelector.optional(),
});
export type BasicAuth = z.infer<typeof basicAuth>;

export const natsAuth = z.strictObject({
  basic: basicAuth.optional(),
  token: secretKeySelector.optional(),
  nkey: secretKeySelector.optional(),
  credential: secretKeySelector.optional(),
});
export type NatsAuth = z.infer<typeof natsAuth>;

export const schemaRegistry = z.strictObject({
  url: requiredText,
  schemaId: z.int().optional(),
  auth: basicAuth.optional(),
});

/** Header whose value comes from a Secret or a ConfigMap. */
export const secureHeader = z.strictObject({
  name: requiredText,
  valueFrom: z.strictObject({
    secretKeyRef: secretKeySelector.optional(),
    configMapKeyRef: configMapKeySelector.optional(),
  }),
});
export type SecureHeader = z.infer<typeof secureHeader>;

/** Labels and annotations of pods and services that Argo Events would create. */
const podMetadata = z.strictObject({ annotations: stringMap.optional(), labels: stringMap.optional() });

export const containerTemplate = z.strictObject({
  resources: kubernetesFields.optional(),
  imagePullPolicy: optionalText,
  securityContext: kubernetesFields.optional(),
});

const kubernetesList = z.array(kubernetesFields).optional();

/** Where a pod may run. Only Argo Events creates pods; Sluice accepts and ignores these fields. */
export const podPlacement = {
  metadata: podMetadata.optional(),
  nodeSelector: stringMap.optional(),
  tolerations: kubernetesList,
  securityContext: kubernetesFields.optional(),
  imagePullSecrets: kubernetesList,
  priorityClassName: optionalText,
  priority: z.int().optional(),
  affinity: kubernetesFields.optional(),
  serviceAccountName: optionalText,
};

/** Pod template of an EventSource or a Sensor. */
export const podTemplate = z.strictObject({
  ...podPlacement,
  container: containerTemplate
    .extend({ volumeMounts: kubernetesList, env: kubernetesList, envFrom: kubernetesList })
    .optional(),
  volumes: kubernetesList,
});

/** Service that Argo Events would put in front of an EventSource's pod. */
export const serviceTemplate = z.strictObject({
  metadata: podMetadata.optional(),
  ports: kubernetesList,
  clusterIP: optionalText,
});

/** `metadata` of any Kubernetes object; accepts what the API server adds, so `kubectl get -o yaml` output works. */
const objectMeta = z.strictObject({
  name: requiredText,
  namespace: optionalText,
  labels: stringMap.optional(),
  annotations: stringMap.optional(),
  generateName: optionalText,
  selfLink: optionalText,
  uid: optionalText,
  resourceVersion: optionalText,
  generation: z.int().optional(),
  creationTimestamp: optionalText,
  deletionTimestamp: optionalText,
  deletionGracePeriodSeconds: z.int().optional(),
  ownerReferences: kubernetesList,
  finalizers: z.array(z.string()).optional(),
  managedFields: kubernetesList,
  clusterName: optionalText,
});

export const API_VERSION = 'argoproj.io/v1alpha1';

/** The frame that all three kinds share. */
export function manifestSchema<Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) {
  return z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata: objectMeta,
    spec,
    status: kubernetesFields.optional(),
  });
}
