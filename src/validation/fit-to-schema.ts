/**
 * Converts a parsed document into the form that the schemas describe, as Go's JSON decoder would, and reports every
 * unknown field.
 *
 * Go ignores the case of field names and treats null and, for enumerations, "" as "not set". Zod does neither.
 */
import { z } from 'zod';
import { closestMatch } from '../text/closest-match';
import { placesOf } from './field-places';
import { findLeftover } from './leftovers';
import { isFields, type Fields } from '../manifest/fields';
import { Findings, formatPath, type FieldPath, type Finding } from '../manifest/problem';

/** Whether the message is about a field that is rejected although another version of Argo Events has it. */
export function isOfOtherVersion(message: string): boolean {
  return message.endsWith(FORMER_FIELD) || message.endsWith(LATER_FIELD);
}

const FORMER_FIELD = 'is a field of former versions of Argo Events';
const LATER_FIELD = 'is a field of versions of Argo Events after 1.9';

type Schema = z.core.$ZodType;

/** Returns a changed copy; the document itself is not modified. */
export function fitToSchema(kind: string, schema: Schema, document: unknown): { value: unknown; findings: Finding[] } {
  const fitting = new Fitting(kind, schema);
  const value = fitting.fit(schema, document, []);
  return { value, findings: fitting.findings.list };
}

class Fitting {
  readonly findings = new Findings();

  constructor(
    private readonly kind: string,
    private readonly root: Schema,
  ) {}

  fit(optionalSchema: Schema, value: unknown, path: FieldPath): unknown {
    const schema = unwrap(optionalSchema);
    if (schema instanceof z.ZodObject && isFields(value)) return this.fitFields(schema.shape, value, path);
    if (schema instanceof z.ZodRecord && isFields(value)) return this.fitMap(unwrap(schema.valueType), value, path);
    if (schema instanceof z.ZodArray && Array.isArray(value)) {
      return value.map((item, index) => this.fit(schema.element, item, [...path, index]));
    }
    return value;
  }

  private fitFields(shape: Readonly<Record<string, Schema>>, value: Fields, path: FieldPath): Fields {
    const fitted: Fields = {};
    const writtenAs = new Map<string, string>();
    const [known, written] = [Object.keys(shape), Object.keys(value)];
    for (const [key, item] of Object.entries(value)) {
      const { field, inside } = this.resolveField(known, key, path, written);
      const schema = field === undefined ? undefined : shape[field];
      if (field === undefined || schema === undefined) continue;
      const former = writtenAs.get(field);
      if (former !== undefined) {
        this.findings.at(...path, key).error(`the field ${field} is set twice, as ${former} and as ${key}`, {
          fix: `Keep one of them, written ${field}.`,
        });
        continue;
      }
      writtenAs.set(field, key);
      if (item === null || (item === '' && unwrap(schema) instanceof z.ZodEnum)) continue;
      fitted[field] = this.fit(schema, inside === undefined ? item : { [inside]: item }, [...path, key]);
    }
    return fitted;
  }

  private fitMap(valueSchema: Schema, value: Fields, path: FieldPath): Fields {
    const fitted: Fields = {};
    for (const [key, item] of Object.entries(value)) {
      if (item === null && valueSchema instanceof z.ZodString) continue;
      const present = item === null && valueSchema instanceof z.ZodObject ? {} : item;
      fitted[key] = this.fit(valueSchema, present, [...path, key]);
    }
    return fitted;
  }

  /** The schema's name of a field, or none after reporting that. `inside`: the field below it that takes the value. */
  private resolveField(
    known: readonly string[],
    key: string,
    path: FieldPath,
    written: readonly string[],
  ): { readonly field?: string; readonly inside?: string } {
    if (known.includes(key)) return { field: key };
    const here = this.findings.at(...path, key);
    const field = known.find((name) => name.toLowerCase() === key.toLowerCase());
    if (field !== undefined) {
      here.warning(`read as ${field}, because only the case of letters differs`, { fix: `Write ${field}.` });
      return { field };
    }
    const leftover = findLeftover(this.kind, [...path, key]);
    if (leftover !== undefined) {
      const { outcome, advice: fix, isLater = false } = leftover;
      if (typeof outcome === 'object' && known.includes(outcome.readAs)) {
        const { readAs: field, inside } = outcome;
        const name = inside === undefined ? field : `${field}.${inside}`;
        here.warning(`read as ${name}, its name in Argo Events today`, { fix });
        return { field, inside };
      }
      if (outcome === 'refused') here.error(`${key} ${isLater ? LATER_FIELD : FORMER_FIELD}`, { fix });
      else if (isLater) here.warning(`has no effect: ${key} ${LATER_FIELD}`, { fix });
      else here.warning('Argo Events no longer has this field and ignores it; so does Sluice', { fix });
      return {};
    }
    if (this.findings.isFull) {
      here.error(`unknown field ${key}`);
      return {};
    }
    const meant = closestMatch(key, known);
    here.error(`unknown field ${key}${path.length === 0 ? '' : ` in ${formatPath(path)}`}`, {
      expected: listOf(known),
      fix: meant === undefined ? this.adviseOnPlace(key, path, written) : `Did you mean ${meant}?`,
    });
    return {};
  }

  private adviseOnPlace(key: string, path: FieldPath, written: readonly string[]): string {
    const places = placesOf(key, this.root, path, written);
    return places.length === 0 ? 'Remove it.' : `Remove it, or move it to ${places.join(' or ')}.`;
  }
}

function listOf(names: readonly string[]): string {
  return `one of ${[...names].sort().join(', ')}`;
}

function unwrap(schema: Schema): Schema {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}
