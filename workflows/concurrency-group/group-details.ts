/** Details of a concurrency group in the Temporal UI: one Markdown panel. Pure. */
import type { GroupStatus } from '../../src/contract/group-messages';
import { describeDisagreement } from '../../src/contract/group-limits';
import { describeFirst } from '../../src/text/markdown-text';

const SHOWN_SENSORS = { values: 100, characters: 12_000 };

export function describeGroup(status: GroupStatus, refusal?: string): string {
  const { namespace, name, limit, used, sensors, leftBehind } = status;
  const disagreement = describeDisagreement(status);
  return [
    `Concurrency group **${namespace}/${name}**: ${used} of ${limit} places in use`,
    ...(disagreement === undefined ? [] : ['', `**Limits differ**: ${disagreement}`]),
    ...(leftBehind.length === 0 ? [] : ['', `${leftBehind.length} of them by runs of sensors that were deleted.`]),
    ...(refusal === undefined ? [] : ['', `Rejected ${refusal}`]),
    ...['', '| sensor | in flight | waiting | limit |', '|---|---|---|---|'],
    ...describeFirst(
      sensors,
      SHOWN_SENSORS,
      ({ sensor, holding, waiting, limit: stated }) =>
        `| ${sensor} | ${holding} | ${waiting} | ${stated ?? 'has left'} |`,
      (count) => `| … and ${count} more |  |  |  |`,
    ),
    ...['', '<br>'],
  ].join('\n');
}
