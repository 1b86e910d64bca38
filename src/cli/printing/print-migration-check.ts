/** Prints what `sluice migrate check` found about one object. */
import type { ComparedSensor, Difference } from '../../migration/compare-created';
import type { SensorCheck } from '../../migration/check-sensor';
import type { SourceCheck } from '../../migration/check-source';
import { ageOf } from '../../text/ages';
import type { Output } from './output';
import type { Table } from './table';
import { wrap } from './wrap';

const MOST_SHOWN = 5;
const PLACES = { 'argo-events': 'Argo Events', sluice: 'Sluice', both: 'both', neither: 'neither' } as const;

export function sensorCheckText(check: SensorCheck, output: Output): Array<Table | string> {
  const { object, runsIn, argo, sluice, comparison } = check;
  return [
    `${output.paint('strong', object)}   runs in: ${PLACES[runsIn]}`,
    {
      columns: ['trigger', 'dependency', 'Argo handled to', 'pending there', 'held there'],
      rows: argo.map(({ trigger, dependency, handledTo, pending, held }) => [
        trigger,
        dependency,
        numberText(handledTo),
        numberText(pending),
        numberText(held),
      ]),
    },
    sluice === undefined
      ? 'Sluice has not listened for it yet.'
      : `Sluice handled everything to position ${sluice.handledTo}; ${sluice.waiting} events are pending.`,
    ...(comparison === undefined
      ? ['Nothing to compare: Argo Events never listened for it.']
      : compared(comparison, output)),
    verdict(check.problems, output),
  ];
}

export function sourceCheckText(check: SourceCheck, output: Output): Array<Table | string> {
  const { object, runsIn, groups, service } = check;
  const rows = groups.flatMap(({ stream, group, exists, consumers }) =>
    consumers.length === 0
      ? [[stream, group, exists ? '-' : 'no group', '-', '-']]
      : consumers.map(({ name, pending, idleMs }) => [
          stream,
          group,
          name,
          String(pending),
          ageOf(new Date(Date.now() - idleMs)),
        ]),
  );
  return [
    `${output.paint('strong', object)}   runs in: ${PLACES[runsIn]}`,
    ...(rows.length === 0 ? [] : [{ columns: ['stream', 'group', 'consumer', 'pending', 'idle'], rows }]),
    ...(service === undefined ? [] : [`Service ${service.name} leads to ${PLACES[service.leadsTo]}.`]),
    verdict(check.problems, output),
  ];
}

function compared({ events, from, triggers }: ComparedSensor, output: Output): Array<Table | string> {
  if (events === 0) return ['Nothing to compare: the bus has no event of this time for it.'];
  const differences = triggers.flatMap(({ different }) => different).slice(0, MOST_SHOWN);
  const lost = triggers.flatMap(({ trigger, onlyArgo, onlySluice }) => [
    ...onlyArgo.map((object) => `only Argo Events: ${object} (trigger ${trigger})`),
    ...onlySluice.map((keys) => `only Sluice: trigger ${trigger} for ${keys.join(', ')}`),
  ]);
  return [
    `Compared ${events} ${events === 1 ? 'event' : 'events'} since ${from ?? ''}:`,
    {
      columns: ['trigger', 'same', 'different', 'only Argo', 'only Sluice', 'not compared'],
      rows: triggers.map(({ trigger, same, different, onlyArgo, onlySluice, notCompared }) => [
        trigger,
        ...[same, different.length, onlyArgo.length, onlySluice.length, notCompared].map(String),
      ]),
    },
    ...[...differences.map(describeDifference), ...lost.slice(0, MOST_SHOWN)].map((text) =>
      wrap(text, output.width, 2),
    ),
  ];
}

function describeDifference({ object, events, fields }: Difference): string {
  const shown = fields
    .slice(0, 3)
    .map(({ path, expected, found }) => `${path}: Sluice ${short(expected)}, Argo Events ${short(found)}`);
  return `${object} (${events.join(', ')}): ${shown.join('; ')}`;
}

function short(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function verdict(problems: readonly string[], { paint, width }: Output): string {
  if (problems.length === 0) return paint('good', '✓ no difference');
  return problems.map((text) => paint('bad', wrap(`✗ ${text}`, width, 2))).join('\n');
}

function numberText(value: number | undefined): string {
  return value === undefined ? '-' : String(value);
}
