/** Details of a sensor in the Temporal UI: one Markdown panel. Pure. */
import { asCode, asProse, describeFirst } from '../../src/text/markdown-text';
import { showTime } from '../../src/text/readable-times';
import { linkToList } from '../../src/text/temporal-ui-links';
import { describeLastChange, describePause, describeRefusals } from '../../src/contract/operator-request';
import { HOW_TO_START_AGAIN } from '../../src/sandbox/sensor/stopped-parts';
import { describePriority } from '../../src/contract/priority';
import { concurrencyGroupWorkflowId, sensorRef } from '../../src/contract/identity';
import type { HeldDependencies, SensorStatus, StoppedPart } from '../../src/contract/sensor-messages';

const SHOWN_EVENTS = 20;
const SHOWN_TRIGGERS = { values: 100, characters: 12_000 };
const PROBLEM_LENGTH = 600;

export function describeSensor(
  status: SensorStatus,
  held: readonly HeldDependencies[],
  temporalNamespace: string,
): string {
  const { namespace, name, counts, paused, holdingBack, stopped = [], problems = [], groups = [], countedAt } = status;
  const runs = `SluiceSensor = '${sensorRef(namespace, name)}'`;
  return [
    `Sensor **${sensorRef(namespace, name)}**, applied ${showTime(status.appliedAt)} · ${[
      linkToList('all runs', temporalNamespace, runs),
      linkToList('parked runs', temporalNamespace, `${runs} AND SluiceState = 'Parked'`),
    ].join(' · ')}`,
    ...describeLastChange(status.applied),
    ...(paused ? ['', describePause(paused)] : []),
    ...(holdingBack
      ? ['', `**Holding back**: ${holdingBack.waiting} events wait for their turn; further events stay on the bus`]
      : []),
    ...groups.flatMap(({ name: group, limit, holding, waiting }) => [
      '',
      `**Concurrency group ${group}**${limit === undefined ? ', left' : ` of ${limit}`}: ${holding} in flight, ${waiting} waiting for a place; query \`status\` of workflow ${asCode(concurrencyGroupWorkflowId(namespace, group))} shows all sensors`,
    ]),
    ...problems.flatMap((problem) => [
      '',
      `**Retried:** events are returned to the bus: ${asProse(problem, PROBLEM_LENGTH)}`,
    ]),
    ...stopped.flatMap((part) => ['', describeStoppedPart(part)]),
    '',
    '| consumed | matched | unmatched | failed | fired | parked runs | lag |',
    '|---|---|---|---|---|---|---|',
    `| ${[counts.consumed, counts.matched, counts.unmatched, counts.failed, counts.fired, status.parked ?? '?', status.lag ?? '?'].join(' | ')} |`,
    '',
    countedAt === undefined ? 'No listener has reported yet.' : `As of ${showTime(countedAt)}.`,
    ...describeRefusals(status.refusals),
    '',
    ...describeFirst(
      status.triggers,
      SHOWN_TRIGGERS,
      ({ name: trigger, condition, priority }) =>
        [
          `- **${trigger}** when ${asCode(condition)}${priority ? `, priority ${describePriority(priority)}` : ''}`,
          ...describeHeld(held.find((dependencies) => dependencies.trigger === trigger)),
        ].join('<br>'),
      (count) => `… and ${count} more triggers: query \`dependencies\` has all.`,
    ),
    // The UI cuts off the last lines of a list unless something follows it.
    ...['', '<br>'],
  ].join('\n');
}

function describeStoppedPart({ name, since, code, message, fix }: StoppedPart): string {
  return [
    `**Stopped:** ${name} since ${showTime(since)}`,
    `${code}: ${asCode(message, PROBLEM_LENGTH)}`,
    ...(fix === undefined ? [] : [asProse(fix, PROBLEM_LENGTH)]),
    HOW_TO_START_AGAIN,
  ].join('<br>');
}

function describeHeld(state: HeldDependencies | undefined): string[] {
  if (state === undefined) return [];
  const shown = state.held
    .slice(0, SHOWN_EVENTS)
    .map(({ dependency, eventKey, time }) => `holds ${dependency} ${asCode(eventKey)} of ${showTime(time)}`);
  const more = state.held.length - shown.length + (state.more ?? 0);
  if (more > 0) shown.push(`… ${more} more`);
  if (state.collected) shown.push(`${state.collected} collected`);
  if (state.waiting) shown.push(`${state.waiting} waiting for their turn`);
  if (state.running) shown.push(`${state.running} in flight`);
  if (state.waitingFor.length > 0) shown.push(`waits for **${state.waitingFor.join(', ')}**`);
  return shown;
}
