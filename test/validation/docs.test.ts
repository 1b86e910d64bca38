import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import {
  EVENT_BUS_ANNOTATIONS,
  EVENT_SOURCE_ANNOTATIONS,
  FLOW_ANNOTATIONS,
  ITEM_ANNOTATIONS,
  OUTCOME_REDIS_ANNOTATIONS,
  SENSOR_ANNOTATIONS,
  type Annotation,
} from '../../src/manifest/annotation-values';

/** The tables of annotations in their order on the page: annotation → its other cells as plain text, by heading. */
function documentedTables(): ReadonlyArray<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const page = readFileSync(join(repoRoot, 'docs/manifests.md'), 'utf8');
  const plain = page.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
  return plain.split(/^\| annotation /m).flatMap((text, index) => {
    if (index === 0) return [];
    const [heading = [], , ...rows] = text
      .split('\n')
      .slice(
        0,
        text.split('\n').findIndex((line) => !line.includes('|')),
      )
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const columns = heading.slice(1);
    return [
      new Map(
        rows.map(([, name = '', ...cells]) => [
          name.replace('sluice.io/', ''),
          Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ''])),
        ]),
      ),
    ];
  });
}

describe('docs/manifests.md', () => {
  const documented = documentedTables();
  const tables: ReadonlyArray<readonly [string, Readonly<Record<string, Annotation>>]> = [
    ['a Sensor', { ...SENSOR_ANNOTATIONS, ...OUTCOME_REDIS_ANNOTATIONS }],
    ['triggers', FLOW_ANNOTATIONS],
    ['dependencies', ITEM_ANNOTATIONS],
    ['an EventSource', EVENT_SOURCE_ANNOTATIONS],
    ['an EventBus', EVENT_BUS_ANNOTATIONS],
  ];

  it.each(tables.map(([where, table], index) => [where, table, documented[index]] as const))(
    'lists the annotations of %s that exist, and no others',
    (_where, table, rows) => {
      expect([...(rows?.keys() ?? [])].sort()).toEqual(Object.keys(table).sort());
    },
  );

  it.each(
    tables.flatMap(([where, table], index) =>
      Object.entries(table).map(([name, row]) => [name, where, row, documented[index]?.get(name)] as const),
    ),
  )('says of %s on %s what it means, and its default', (_name, _where, row, cells) => {
    const { description, default: text, otherwise = text ?? '' } = row;
    const sentence = description.replaceAll('`', '').replace(/\.$/, '').toLowerCase();
    expect((cells?.['meaning'] ?? '').toLowerCase().slice(0, sentence.length)).toBe(sentence);
    // Triggers have no defaults, so their table has no such column.
    expect(cells?.['default'] ?? '').toBe(otherwise);
  });
});
