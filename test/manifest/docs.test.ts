import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { ANNOTATION_NAMES } from '../../src/manifest/annotations';
import { TRIGGER_KINDS } from '../../src/manifest/sensor';
import { SUPPORTED_SOURCES, UNSUPPORTED_TRIGGERS } from '../../src/manifest/supported';

/** Without the padding of table cells. */
const page = readFileSync(join(repoRoot, 'docs/manifests.md'), 'utf8').replace(/ {2,}/g, ' ');
const rowOf = (name: string) => page.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? '';

describe('docs/manifests.md', () => {
  it('lists exactly the annotations that exist', () => {
    const listed = [...page.matchAll(/^\| `sluice\.io\/([a-z-]+)` \|/gm)].map((match) => match[1]).sort();
    const { Sensor, SensorPerTrigger, EventSource, EventBus } = ANNOTATION_NAMES;
    expect(listed).toEqual([...Sensor, ...SensorPerTrigger, ...EventSource, ...EventBus].sort());
  });

  it('says which sources and triggers run', () => {
    const [, runningSources = ''] = rowOf('event sources').split('|').slice(1);
    expect([...runningSources.matchAll(/`(\w+)`/g)].map((match) => match[1])).toEqual(SUPPORTED_SOURCES);
    const [, running = '', checked = ''] = rowOf('triggers').split('|').slice(1);
    const named = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1]).sort();
    expect(named(running)).toEqual(TRIGGER_KINDS.filter((kind) => !UNSUPPORTED_TRIGGERS.includes(kind)).sort());
    expect(named(checked)).toEqual([...UNSUPPORTED_TRIGGERS, 'unsupported'].sort());
  });
});
