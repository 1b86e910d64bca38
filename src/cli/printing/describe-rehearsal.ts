/** Formats a rehearsal for display. */
import { writeExactly } from '../../yaml/exact-numbers';
import { writeYaml } from '../../yaml/write-yaml';
import { printable, type Paint } from './style';
import type { Mismatch } from '../../rehearsal/partial-match';
import {
  allFires,
  type Consequences,
  type Rehearsal,
  type RehearsedDependency,
  type RehearsedEvent,
  type RehearsedFire,
  type RehearsedRequest,
} from '../../rehearsal/rehearsal';

export function rehearsalText(rehearsal: Rehearsal, paint: Paint): string {
  const { afterwards } = rehearsal;
  const later = consequenceLines(afterwards, paint);
  const parts = rehearsal.events.map((event) => eventLines(event, paint));
  if (later.length > 0) parts.push([paint('strong', 'after the last event'), ...indent(later)]);
  parts.push(standingLines(rehearsal, paint));
  return parts.map((lines) => lines.join('\n')).join('\n\n');
}

export function expectationText(mismatches: readonly Mismatch[], paint: Paint): string {
  if (mismatches.length === 0) return paint('good', '✓ as expected');
  const lines = mismatches.flatMap((mismatch) => [
    `${cross(paint)} ${printable(mismatch.path)}`,
    paint('bad', `    - expected ${valueText(mismatch.expected)}`),
    paint('good', `    + found    ${valueText(mismatch.found)}`),
  ]);
  const count = mismatches.length === 1 ? '1 difference' : `${mismatches.length} differences`;
  return [`${cross(paint)} not as expected: ${count}`, ...lines].join('\n');
}

function valueText(value: unknown): string {
  return value === undefined ? 'nothing' : printable(writeExactly(value));
}

function eventLines(event: RehearsedEvent, paint: Paint): string[] {
  const isTaken = event.dependencies.some(({ outcome }) => outcome === 'matched');
  const { id, source, subject, time, origin } = event;
  const title = `${mark(isTaken, paint)} ${paint('strong', printable(`${source} ${subject} ${id}`))}`;
  return [
    `${title} ${paint('quiet', printable(`${time}  ${origin}`))}`,
    ...(event.dependencies.length === 0
      ? indent(['no dependency of the sensor matches this event source and event name'])
      : event.dependencies.flatMap((dependency) => indent(dependencyLines(dependency, paint)))),
    ...indent(consequenceLines(event, paint)),
  ];
}

function dependencyLines(found: RehearsedDependency, paint: Paint): string[] {
  const { dependency, outcome, transform, clauses, clause, reason } = found;
  const isMatched = outcome === 'matched';
  const why = isMatched ? '' : `: ${outcome} by ${clause ?? ''}`;
  const lines = [`${mark(isMatched, paint)} dependency ${printable(dependency + why)}`];
  if (transform !== undefined) {
    const isChanged = transform.outcome === 'changed';
    const gave = isChanged ? `gave ${writeExactly(transform.data)}` : `failed: ${transform.reason ?? ''}`;
    lines.push(`    ${mark(isChanged, paint)} ${printable(`${transform.clause} ${gave}`)}`);
  }
  for (const each of clauses) {
    lines.push(`    ${mark(each.outcome === 'passed', paint)} ${printable(`${each.clause} ${each.reason}`)}`);
  }
  // Every evaluated part is above, except one that no clause represents (an empty `or`).
  const isTold = transform?.outcome === 'failed' || clauses.some((each) => each.outcome !== 'passed');
  if (!isMatched && !isTold) lines.push(`    ${printable(reason ?? '')}`);
  return lines;
}

function consequenceLines({ fires, parked, notes }: Consequences, paint: Paint): string[] {
  return [
    ...notes.map(({ decision, eventId, triggers, reason }) =>
      printable(`… ${triggers.join(', ')}: event ${eventId} ${decision === 'joined' ? '' : `${decision}: `}${reason}`),
    ),
    ...parked.map(({ trigger, reason }) => `${cross(paint)} ${printable(`trigger ${trigger} is parked: ${reason}`)}`),
    ...fires.flatMap((fire) => fireLines(fire, paint)),
  ];
}

function fireLines(fire: RehearsedFire, paint: Paint): string[] {
  const { deadLetter } = fire;
  const isParked = deadLetter === undefined || deadLetter.outcome === 'fails';
  const name = printable(`trigger ${fire.trigger} fires`);
  return [
    ...requestLines(fire, name, `${name} and ${isParked ? 'would be parked' : 'its dead letter is sent'}`, paint),
    ...(deadLetter === undefined ? [] : indent(deadLetterLines(deadLetter, fire.outcome === 'fails', paint))),
  ];
}

function deadLetterLines(deadLetter: RehearsedRequest, isSent: boolean, paint: Paint): string[] {
  const name = printable(`dead letter ${deadLetter.trigger}`);
  if (isSent || deadLetter.outcome === 'fails') return requestLines(deadLetter, name, `${name} cannot be built`, paint);
  return [printable(`if it fails permanently: dead letter ${deadLetter.trigger}, ${deadLetter.kind} (see -o json)`)];
}

/** `failure`: the text for a request that cannot be built. */
function requestLines(request: RehearsedRequest, name: string, failure: string, paint: Paint): string[] {
  switch (request.outcome) {
    case 'sends': {
      const body = writeYaml(request.sends, { lineWidth: 0 }).trimEnd();
      return [`${tick(paint)} ${name}, ${request.kind} would send`, ...indent(body.split('\n').map(printable))];
    }
    case 'unresolved':
      return [
        `${tick(paint)} ${name}`,
        ...indent([
          `${paint('warning', 'not resolved')}: ${printable(request.reason)}; pass it with --resource ${printable(request.trigger)}=FILE`,
        ]),
      ];
    case 'fails': {
      const { code, message, fix } = request.problem;
      return [
        `${cross(paint)} ${failure}: ${printable(message)} [${code}]`,
        ...(fix === undefined ? [] : indent([printable(fix)])),
      ];
    }
  }
}

function standingLines(rehearsal: Rehearsal, paint: Paint): string[] {
  const total = allFires(rehearsal).length;
  const { namespace, name } = rehearsal.sensor;
  const lines = rehearsal.triggers.map(({ trigger, condition, fires, holds, waitingFor = [], collected }) => {
    const state = [
      fires === 1 ? 'fired once' : fires === 0 ? 'did not fire' : `fired ${fires} times`,
      ...(holds === undefined ? [] : [`holds ${holds.join(', ')}`]),
      ...(waitingFor.length === 0 ? [] : [`waits for ${waitingFor.join(', ')}`]),
      ...(collected === undefined ? [] : [`has collected ${collected}`]),
    ];
    return `  ${mark(fires > 0, paint)} ${printable(`${trigger} (${condition}) ${state.join('; ')}`)}`;
  });
  const events = rehearsal.events.length === 1 ? '1 event' : `${rehearsal.events.length} events`;
  const summary = `sensor ${namespace}/${name}: ${events}, ${total === 1 ? '1 fire' : `${total} fires`}`;
  return [paint('strong', printable(summary)), ...lines];
}

function mark(isGood: boolean, paint: Paint): string {
  return isGood ? tick(paint) : cross(paint);
}

function tick(paint: Paint): string {
  return paint('good', '✓');
}

function cross(paint: Paint): string {
  return paint('bad', '✗');
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}
