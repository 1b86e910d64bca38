import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { ANNOTATION_NAMES } from '../../src/manifest/annotations';

/** Without the padding of table cells. */
const page = readFileSync(join(repoRoot, 'docs/manifests.md'), 'utf8').replace(/ {2,}/g, ' ');

describe('docs/manifests.md', () => {
  it('lists exactly the annotations that exist', () => {
    const listed = [...page.matchAll(/^\| `sluice\.io\/([a-z-]+)` \|/gm)].map((match) => match[1]).sort();
    const { Sensor, SensorPerTrigger, EventSource, EventBus } = ANNOTATION_NAMES;
    expect(listed).toEqual([...Sensor, ...SensorPerTrigger, ...EventSource, ...EventBus].sort());
  });
});
