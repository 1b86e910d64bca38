/**
 * CustomResourceDefinitions for clusters without Argo Events. Group, version, names and subresource are those of Argo
 * Events, so that either may replace the other without touching the objects.
 */
import type { z } from 'zod';
import { eventBusSchema } from '../manifest/event-bus';
import { eventSourceSchema } from '../manifest/event-source';
import { sensorSchema } from '../manifest/sensor';
import { toCrdSchema, type CrdSchema } from './crd-schema';
import type { ManifestKind } from './parse-manifest';

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

interface CrdKind {
  readonly kind: ManifestKind;
  readonly plural: string;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly schema: z.ZodObject<{ spec: z.ZodType }>;
}

const GROUP = 'argoproj.io';
const KINDS: readonly CrdKind[] = [
  {
    ...{ kind: 'EventBus', plural: 'eventbus', singular: 'eventbus', listKind: 'EventBusList', shortNames: ['eb'] },
    schema: eventBusSchema,
  },
  {
    ...{ kind: 'EventSource', plural: 'eventsources', singular: 'eventsource', listKind: 'EventSourceList' },
    shortNames: ['es'],
    schema: eventSourceSchema,
  },
  {
    ...{ kind: 'Sensor', plural: 'sensors', singular: 'sensor', listKind: 'SensorList', shortNames: ['sn'] },
    schema: sensorSchema,
  },
];

/** What `kubectl get` shows. */
const COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  {
    ...{ name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
    priority: 1,
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

export function customResourceDefinitions(): readonly CustomResourceDefinition[] {
  return KINDS.map(({ kind, schema, ...names }) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, ...names },
      versions: [
        {
          ...{ name: 'v1alpha1', served: true, storage: true },
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: { openAPIV3Schema: rootSchema(schema) },
        },
      ],
    },
  }));
}

function rootSchema({ shape, description }: CrdKind['schema']): object {
  const status: CrdSchema = {
    type: 'object',
    description: 'What became of it: conditions, and the generation that they describe.',
    'x-kubernetes-preserve-unknown-fields': true,
  };
  const { nullable: _, ...spec } = toCrdSchema(shape.spec);
  return {
    type: 'object',
    ...(description !== undefined && { description }),
    required: ['metadata', 'spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
      status,
    },
  };
}
