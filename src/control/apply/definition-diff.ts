/** What runs against what would run, as a unified diff of two YAML texts: for `sluice apply --dry-run`. */
import { createTwoFilesPatch } from 'diff';
import { writeYaml } from '../../yaml/write-yaml';
import type { RunningDefinition } from './apply-object';
import { usedBus, type Desired } from './desired-objects';

/** @param current undefined for an object that is not applied yet */
export function writeDiff({ kind, definition }: Desired, current: RunningDefinition | undefined): string {
  const name = `${kind}/${definition.namespace}/${definition.name}`;
  const before = current === undefined ? '' : toText(current);
  return createTwoFilesPatch(
    `${name} (applied)`,
    `${name} (manifest)`,
    before,
    toText(definition),
    undefined,
    undefined,
    {
      context: 3,
      headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
    },
  );
}

/** Without undefined fields, which never reach Temporal, and with keys in one order. */
function toText(definition: RunningDefinition): string {
  const { spec, options } = definition;
  const bus = 'bus' in definition ? usedBus(definition.bus) : undefined;
  const plain: unknown = JSON.parse(JSON.stringify({ spec, options, bus }));
  return writeYaml(plain, { sortMapEntries: true });
}
