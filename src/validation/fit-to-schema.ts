/**
 * Brings a parsed document into the form that the schemas describe, as Go's JSON decoder would, and reports every
 * field that they do not know.
 *
 * Go ignores the case of field names and takes null and, for enumerations, "" as "not set". Zod does none of that.
 */
import { z } from 'zod';
import { closestMatch } from '../text/closest-match';
import { placesOf } from './field-places';
import { findLeftover } from './leftovers';
import { isFields, type Fields } from '../manifest/fields';
import { Findings, formatPath, type FieldPath, type Finding } from '../manifest/problem';

/** End of the message about a field that is refused although Argo Events had it once. */
export const FORMER_FIELD = 'is a field of former versions of Argo Events';

type Schema = z.core.$ZodType;

/** Returns a changed copy; the document itself stays as it was. */
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
    for (const [key, item] of Object.entries(value)) {
      const field = this.resolveField(Object.keys(shape), key, path, Object.keys(value));
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
      fitted[field] = this.fit(schema, item, [...path, key]);
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

  /** The schema's name of a field, or undefined after reporting that there is none. */
  private resolveField(
    known: readonly string[],
    key: string,
    path: FieldPath,
    written: readonly string[],
  ): string | undefined {
    if (known.includes(key)) return key;
    const here = this.findings.at(...path, key);
    const field = known.find((name) => name.toLowerCase() === key.toLowerCase());
    if (field !== undefined) {
      here.warning(`read as ${field}, because only the case of letters differs`, { fix: `Write ${field}.` });
      return field;
    }
    const leftover = findLeftover(this.kind, [...path, key]);
    if (leftover !== undefined) {
      const { outcome, advice: fix } = leftover;
      if (typeof outcome === 'object' && known.includes(outcome.readAs)) {
        here.warning(`read as ${outcome.readAs}, its name in Argo Events today`, { fix });
        return outcome.readAs;
      }
      if (outcome === 'refused') here.error(`${key} ${FORMER_FIELD}`, { fix });
      else here.warning('Argo Events has no such field any more and ignores it; so does Sluice', { fix });
      return undefined;
    }
    const meant = closestMatch(key, known);
    here.error(`unknown field ${key}${path.length === 0 ? '' : ` in ${formatPath(path)}`}`, {
      expected: listOf(known),
      fix: meant === undefined ? this.adviseOnPlace(key, path, written) : `Did you mean ${meant}?`,
    });
    return undefined;
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
