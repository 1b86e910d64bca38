/** Values with which the chart is tried: between them they reach every branch of its templates. */
import type { JsonObject } from '../../src/event/json';

const POD: JsonObject = {
  env: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=768' }],
  envFrom: [{ secretRef: { name: 'more' } }],
  volumes: [{ name: 'manifests', configMap: { name: 'sluice-manifests' } }],
  volumeMounts: [{ name: 'manifests', mountPath: '/manifests' }],
  annotations: { 'example.org/team': 'water' },
  labels: { team: 'water' },
  nodeSelector: { 'kubernetes.io/arch': 'amd64' },
  tolerations: [{ key: 'batch', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [
    { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
  ] } } }, // prettier-ignore
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
    {
      maxSkew: 2,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { team: 'water' } },
    },
  ],
  priorityClassName: 'system-cluster-critical',
};

/** What deploy/ has: no PodDisruptionBudgets, and the rights of deploy/workflow-operations. */
const PLAIN: JsonObject = {
  sensor: { podDisruptionBudget: { enabled: false }, workflowOperations: true },
  controller: { podDisruptionBudget: { enabled: false } },
};

const EVERYTHING: JsonObject = {
  fullnameOverride: 'eo-events',
  image: {
    repository: 'registry.example/sluice',
    digest: `sha256:${'0'.repeat(64)}`,
    pullSecrets: [{ name: 'registry' }],
  },
  namespaces: ['team-a', 'team-b'],
  temporal: {
    address: 'temporal.example:7233',
    namespace: 'events',
    apiKeySecret: { name: 'temporal-key' },
    tls: { enabled: true, serverName: 'temporal', caSecretName: 'temporal-ca', clientSecretName: 'temporal-client' },
  },
  nats: { urlSecret: { name: 'nats' } },
  configuration: { SLUICE_ARGO_UI: 'https://argo.example' },
  environmentSecretName: 'more-environment',
  payloadKeysSecretName: 'sluice-payload-keys',
  rbac: { resourceNames: ['redis-auth', 'nats-auth'] },
  pods: POD,
  eventSource: {
    serviceAccount: { annotations: { 'example.org/role': 'reader' } },
    podDisruptionBudget: { enabled: true },
    priorityClassName: 'system-node-critical',
    readerServiceAccounts: ['object-reader'],
    webhooks: {
      ports: [12000, 13000],
      type: 'NodePort',
      annotations: { 'example.org/pool': 'edge' },
      ingress: {
        enabled: true,
        className: 'nginx',
        annotations: { 'example.org/size': '4m' },
        rules: [{ host: 'hooks.example', path: '/stac', port: 12000 }, { port: 13000 }],
        tls: [{ hosts: ['hooks.example'], secretName: 'hooks-tls' }],
      },
    },
  },
  sensor: {
    workflowOperations: true,
    extraRules: [{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get'] }],
    triggerServiceAccounts: ['workflow-runner'],
    autoscaling: { enabled: true },
    podDisruptionBudget: { maxUnavailable: '50%' },
  },
  controller: {
    class: 'sluice',
    serviceSelector: { 'app.kubernetes.io/instance': 'sluice', 'app.kubernetes.io/component': 'event-source-worker' },
    admission: {
      enabled: true,
      failurePolicy: 'Fail',
      namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'Exists' }] },
    },
  },
  networkPolicy: {
    enabled: true,
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    webhooksFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
    egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
  },
  metrics: {
    podMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '30s' },
    alerts: { enabled: true, labels: { release: 'prometheus' } },
    dashboard: { enabled: true },
  },
};

export const VALUE_SETS = {
  defaults: {},
  plain: PLAIN,
  everything: EVERYTHING,
  'cluster-wide': { clusterWide: true, nats: { url: 'nats://nats.nats:4222' }, networkPolicy: { enabled: true } },
  'sensor workers alone': { eventSource: { enabled: false }, controller: { enabled: false } },
  'accounts and rights of others': {
    rbac: { create: false },
    eventSource: { serviceAccount: { create: false, name: 'reader' }, webhooks: { enabled: false } },
    sensor: { serviceAccount: { create: false, name: 'writer' } },
    controller: { serviceAccount: { create: false, name: 'keeper' }, services: false, admission: { enabled: true } },
  },
} as const satisfies Record<string, JsonObject>;
