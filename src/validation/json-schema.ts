/** JSON Schema of the manifests, for editors (`# yaml-language-server: $schema=…`). */
import { z } from 'zod';
import { ANNOTATION_PREFIX } from '../manifest/annotations';
import {
  EVENT_BUS_ANNOTATIONS,
  EVENT_SOURCE_ANNOTATIONS,
  FLOW_ANNOTATIONS,
  ITEM_ANNOTATIONS,
  OUTCOME_REDIS_ANNOTATIONS,
  SENSOR_ANNOTATIONS,
  type Annotation,
} from '../manifest/annotation-values';
import { eventBusSchema } from '../manifest/event-bus';
import { eventSourceSchema } from '../manifest/event-source';
import { isFields } from '../manifest/fields';
import type { ManifestKind } from './parse-manifest';
import { sensorSchema } from '../manifest/sensor';

export type JsonSchema = Record<string, unknown>;

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const KINDS: ReadonlyArray<{ kind: ManifestKind; schema: z.ZodType; annotations: Record<string, Annotation> }> = [
  { kind: 'EventBus', schema: eventBusSchema, annotations: EVENT_BUS_ANNOTATIONS },
  { kind: 'EventSource', schema: eventSourceSchema, annotations: EVENT_SOURCE_ANNOTATIONS },
  {
    kind: 'Sensor',
    schema: sensorSchema,
    annotations: { ...SENSOR_ANNOTATIONS, ...OUTCOME_REDIS_ANNOTATIONS, ...FLOW_ANNOTATIONS, ...ITEM_ANNOTATIONS },
  },
];

/**
 * JSON Schema 2020-12 for files that may hold EventBus, EventSource, Sensor and any other Kubernetes object. It covers
 * fields and types; only `sluice validate` checks rules across fields (conditions, names).
 */
export function manifestJsonSchema(): JsonSchema {
  const definitions: JsonSchema = {};
  for (const { kind, schema, annotations } of KINDS) {
    const { $defs, ...body } = toJsonSchema(schema, kind);
    Object.assign(definitions, $defs, { [kind]: withAnnotations(body, annotations) });
  }
  return {
    $schema: DIALECT,
    title: 'Argo Events manifests as Sluice reads them',
    type: 'object',
    required: ['apiVersion', 'kind'],
    allOf: KINDS.map(({ kind }) => ({
      if: { properties: { apiVersion: { pattern: '^argoproj\\.io/' }, kind: { const: kind } }, required: ['kind'] },
      then: { $ref: `#/$defs/${kind}` },
    })),
    $defs: definitions,
  };
}

/** The same for files that hold objects of one kind. */
export function kindJsonSchema(wanted: ManifestKind): JsonSchema {
  const { title: _, allOf: __, ...frame } = manifestJsonSchema();
  const { $defs, ...common } = frame;
  const kept = Object.entries(isFields($defs) ? $defs : {}).filter(
    ([name]) => name === wanted || name.startsWith(`${wanted}.`),
  );
  return {
    ...common,
    title: `${wanted} of Argo Events as Sluice reads it`,
    $ref: `#/$defs/${wanted}`,
    $defs: Object.fromEntries(kept),
  };
}

/** Shared parts are renamed to `<kind>.<part>`, so that several kinds fit into one document. */
function toJsonSchema(schema: z.ZodType, kind: ManifestKind): JsonSchema {
  const {
    $schema: _,
    $defs,
    ...body
  } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // Free-form Kubernetes fields: any value, instead of a recursive definition of JSON.
      if (zodSchema instanceof z.ZodLazy) Object.keys(jsonSchema).forEach((key) => delete jsonSchema[key]);
    },
  });
  const parts = Object.entries($defs ?? {}).map(([name, part]) => [`${kind}.${name}`, part] as const);
  const text = JSON.stringify({ ...body, $defs: Object.fromEntries(parts) });
  return JSON.parse(text.replaceAll('"#/$defs/', `"#/$defs/${kind}.`)) as JsonSchema;
}

function withAnnotations(schema: JsonSchema, annotations: Readonly<Record<string, Annotation>>): JsonSchema {
  const properties = Object.entries(annotations).map(([name, { description, default: value, otherwise = value }]) => {
    const absent = otherwise === undefined ? '' : ` Default: ${otherwise}.`;
    return [ANNOTATION_PREFIX + name, { type: 'string', description: description + absent }] as const;
  });
  const known = {
    properties: { metadata: { properties: { annotations: { properties: Object.fromEntries(properties) } } } },
  };
  return isFields(schema) ? { ...schema, allOf: [known] } : schema;
}
