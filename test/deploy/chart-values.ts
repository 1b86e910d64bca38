/**
 * The values of the chart are described once, in values.schema.json: values.yaml and docs/helm-values.md are written from
 * it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { z } from 'zod';
import { repoRoot } from '../../dev/repo-root';

export const CHART = join(repoRoot, 'deploy/helm/sluice');

const property = z.object({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  get properties() {
    return z.record(z.string(), property).optional();
  },
});
type Property = z.infer<typeof property>;

export function readValuesSchema(): Property {
  return property.parse(JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')));
}

/** A value with a default, or the head of a group. */
interface ValueRow {
  readonly path: readonly string[];
  readonly description: string;
  readonly default?: unknown;
  readonly isGroup: boolean;
}

/** Without references to `pods`, which have no default, and values that no user sets. */
export function listValues(schema: Property, path: readonly string[] = []): readonly ValueRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, found]): readonly ValueRow[] => {
    const row = { path: [...path, name], description: found.description ?? '' };
    if (found.properties !== undefined) return [{ ...row, isGroup: true }, ...listValues(found, row.path)];
    return found.default !== undefined ? [{ ...row, default: found.default, isGroup: false }] : [];
  });
}

export async function renderValues(): Promise<string> {
  const lines = [
    '# Written from values.schema.json by `npm run docs:chart`; docs/helm-values.md has these as a table.',
  ];
  for (const row of listValues(readValuesSchema())) {
    const indent = '  '.repeat(row.path.length - 1);
    const name = row.path.at(-1) ?? '';
    if (row.path.length === 1) lines.push('');
    lines.push(...wrap(withoutLinks(row.description), 116 - indent.length).map((line) => `${indent}# ${line}`));
    const text = row.isGroup ? `${name}:` : stringify({ [name]: row.default }, { singleQuote: true }).trimEnd();
    lines.push(...text.split('\n').map((line) => `${indent}${line}`));
  }
  return await prettied(`${lines.join('\n')}\n`, 'values.yaml');
}

const INTRODUCTION = `# Values of the Helm chart

Written from \`deploy/helm/sluice/values.schema.json\`, against which Helm checks them. How to install it:
[Objects of the cluster](kubernetes.md#install-with-helm). Each of \`eventSource\`, \`sensor\` and \`controller\` also
takes every key of \`pods\`, which then replaces that of \`pods\`.
`;

export async function renderValuesPage(): Promise<string> {
  const rows = listValues(readValuesSchema());
  const groups = rows.filter(({ path, isGroup }) => isGroup && path.length === 1);
  const tableOf = (chosen: readonly ValueRow[]): string =>
    [
      '| value | default | meaning |',
      '| --- | --- | --- |',
      ...chosen.map(
        ({ path, description, ...row }) =>
          `| \`${path.join('.')}\` | ${row.isGroup ? '' : `\`${JSON.stringify(row.default)}\``} | ${description} |`,
      ),
      '',
    ].join('\n');
  const sections = groups.map(({ path: [name = ''], description }) =>
    [`## ${name}`, description, tableOf(rows.filter(({ path }) => path[0] === name && path.length > 1))].join('\n\n'),
  );
  const single = rows.filter(({ path, isGroup }) => !isGroup && path.length === 1);
  return await prettied([INTRODUCTION, tableOf(single), ...sections].join('\n'), 'helm-values.md');
}

/** Descriptions link to pages of docs/. */
function withoutLinks(text: string): string {
  return text.replace(/\[([^\]]+)\]\(([\w.-]+)(?:#[^)]*)?\)/g, '$1 (docs/$2)');
}

function wrap(text: string, width: number): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length < width) lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

async function prettied(text: string, name: string): Promise<string> {
  const options = await resolveConfig(join(repoRoot, 'docs', name));
  return await format(text, { ...options, filepath: name });
}
