/** Destinations of parameters that do not exist in an inline object of the manifest. */
import { isFields } from '../manifest/fields';
import type { TriggerParameter } from '../manifest/parameters';
import { describeValue, type Findings } from '../manifest/problem';

export function warnOfDestinations(
  object: Readonly<Record<string, unknown>>,
  parameters: readonly TriggerParameter[] | undefined,
  findings: Findings,
): void {
  const all = (parameters ?? []).map(({ dest }) => dest ?? '');
  all.forEach((dest, index) => {
    const miss = findMiss(object, dest, all);
    if (miss === undefined) return;
    findings.at(index, 'dest').warning(miss.message, { found: describeValue(dest), fix: miss.fix });
  });
}

interface Miss {
  readonly message: string;
  readonly fix: string;
}

/** Undefined for a destination that exists, that will be created, or that cannot be followed here. */
function findMiss(object: unknown, dest: string, all: readonly string[]): Miss | undefined {
  let value = object;
  const walked: string[] = [];
  for (const segment of splitPath(dest)) {
    if (segment.startsWith('#')) {
      const query = /^#\(\s*"?([\w-]+)"?\s*==?\s*"?([^"]*?)"?\s*\)$/.exec(segment);
      const [, field, wanted] = query ?? [];
      if (field === undefined || !Array.isArray(value)) return undefined;
      const items: readonly unknown[] = value;
      const valuesOfField = items.map((item) => (isFields(item) ? plainText(item[field]) : undefined));
      const at = valuesOfField.indexOf(wanted ?? '');
      if (at === -1) {
        const known = valuesOfField.filter((text) => text !== undefined && text !== '').join(', ');
        return {
          message: `matches nothing, so nothing is written: ${walked.join('.')} has no item with ${field} ${wanted ?? ''}`,
          fix: known === '' ? 'Add the item to the list.' : `Write the ${field} of one of its items: ${known}.`,
        };
      }
      value = items[at];
    } else if (Array.isArray(value)) {
      const length = value.length;
      if (!/^-?\d+$/.test(segment)) {
        const list = walked.join('.');
        const isName = value.some((item) => isFields(item) && item['name'] === segment);
        const fix = `Write ${list}.${isName ? `#(name=="${segment}")` : `0.${segment}`}.`;
        return { message: `${list} is a list, which has no field ${segment}`, fix };
      }
      const index = Number(segment);
      if (index < 0) return undefined;
      const item = [...walked, segment].join('.');
      const isBuilt = all.filter((other) => other.startsWith(`${item}.`) || other === item).length > 1;
      if (index >= length && dest === `${item}.value` && !isBuilt) {
        return {
          message: `${walked.join('.')} has ${length === 1 ? '1 item' : `${length} items`}, so a new one without a name is made`,
          fix:
            length === 0
              ? 'Add the item to the list.'
              : `Write a number up to ${length - 1}, or add the item to the list.`,
        };
      }
      value = value[index];
    } else if (isFields(value)) value = value[segment];
    else return undefined;
    if (value === undefined || value === null) return undefined;
    walked.push(segment);
  }
  return undefined;
}

function plainText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : undefined;
}

/** Splits at dots that are neither escaped nor inside a query. */
function splitPath(path: string): string[] {
  return (path.match(/(?:#\([^)]*\)#?|\\.|[^.\\])+/g) ?? []).map((segment) =>
    segment.startsWith('#') ? segment : segment.replace(/\\(.)/g, '$1'),
  );
}
