/**
 * Schemas of manifests as a CustomResourceDefinition holds them: a structural schema with types and descriptions, which
 * `kubectl explain` shows, and nothing else. Unknown fields are kept and null is accepted, as by the open definitions of
 * Argo Events: what is wrong beyond types is for `sluice validate` and the controller to say. Pure.
 */
import { z } from 'zod';
import { isFields } from '../manifest/fields';

export interface CrdSchema {
  type?: string;
  description?: string;
  nullable?: true;
  properties?: Record<string, CrdSchema>;
  additionalProperties?: CrdSchema;
  items?: CrdSchema;
  'x-kubernetes-preserve-unknown-fields'?: true;
}

/** Parts that a schema refers to, and those in which the conversion is: these are not opened again. */
interface Parts {
  readonly definitions: Readonly<Record<string, unknown>>;
  readonly open: ReadonlySet<string>;
}

export function toCrdSchema(schema: z.ZodType): CrdSchema {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' });
  return convert(json, { definitions: json.$defs ?? {}, open: new Set() });
}

function convert(json: unknown, parts: Parts): CrdSchema {
  if (!isFields(json)) return { ...anything(), nullable: true };
  const { description, $ref } = json;
  const converted = typeof $ref === 'string' ? followReference($ref, parts) : convertType(json, parts);
  return { ...converted, ...(typeof description === 'string' && { description }), nullable: true };
}

function followReference(reference: string, { definitions, open }: Parts): CrdSchema {
  const name = reference.replace('#/$defs/', '');
  // A structural schema cannot refer to itself.
  if (open.has(name)) return anything();
  return convert(definitions[name], { definitions, open: new Set([...open, name]) });
}

function convertType(json: Record<string, unknown>, parts: Parts): CrdSchema {
  switch (json['type']) {
    case 'object':
      return convertObject(json, parts);
    case 'array':
      return { type: 'array', items: convert(json['items'], parts) };
    case 'string':
    case 'boolean':
    case 'integer':
    case 'number':
      return { type: json['type'] };
    default:
      // Several types, or any JSON.
      return anything();
  }
}

/** A map holds values of one schema; any other object may hold more than is known of it. */
function convertObject({ properties, additionalProperties }: Record<string, unknown>, parts: Parts): CrdSchema {
  if (isFields(properties) && Object.keys(properties).length > 0) {
    const fields = Object.entries(properties).map(([name, field]) => [name, convert(field, parts)] as const);
    return { type: 'object', properties: Object.fromEntries(fields), 'x-kubernetes-preserve-unknown-fields': true };
  }
  if (isFields(additionalProperties) && typeof additionalProperties['type'] === 'string') {
    return { type: 'object', additionalProperties: convert(additionalProperties, parts) };
  }
  return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
}

function anything(): CrdSchema {
  return { 'x-kubernetes-preserve-unknown-fields': true };
}
