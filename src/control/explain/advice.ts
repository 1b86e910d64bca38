/** Advice on the fate of an event: one sentence, with the command to type. Pure. */
import type { FireStatus } from '../../contract/fires';
import type { EventFacts, RunFacts } from './facts';

/** Without their content, events cannot be fired again. */
const ONLY_TO_DISCARD: readonly (string | undefined)[] = ['SENSOR_EVENTS_GONE', 'BUS_EVENT_TOO_LARGE'];

export function adviceOnParked({ id }: RunFacts, { failure }: FireStatus): string {
  const discard = `sluice runs discard ${id} --why TEXT`;
  if (ONLY_TO_DISCARD.includes(failure?.code)) return sentences(failure?.fix, discard);
  return sentences(
    failure?.fix,
    `Once the cause is fixed: sluice retrigger ${id} --why TEXT; to discard it: ${discard}`,
  );
}

export function adviceOnFailed({ id }: RunFacts, { failure }: FireStatus): string {
  return sentences(
    failure?.fix,
    `sluice runs show ${id} shows details; sluice retrigger ${id} --why TEXT fires it again`,
  );
}

export function adviceOnDecision(decision: 'filtered' | 'failed', sensor: string, facts: EventFacts): string {
  const mend = decision === 'failed' ? 'Correct the manifest' : 'If it should have passed, change the manifest';
  return `${mend} (sluice test tries it on an event), apply it, and ${replay(sensor, facts)}`;
}

export function adviceOnMissed(sensor: string, facts: EventFacts): string {
  return `To fire it anyway: ${replay(sensor, facts)}`;
}

export const ADVICE_ON_EXPIRY =
  'To keep events until they are handled: sluice.io/retention: until-handled on the EventBus';

export function adviceOnPaused(sensor: string): string {
  return `sluice resume sensor ${named(sensor)} --why TEXT`;
}

export function adviceOnPending(sensor: string): string {
  return `sluice status sensor ${named(sensor)} shows whether it listens and what delays it`;
}

export function adviceOnUnmatched({ source, subject }: EventFacts): string {
  return `A sensor receives it through a dependency on eventSourceName ${source} and eventName ${subject}; sluice list shows applied objects`;
}

export function adviceAtSource({ code }: { readonly code?: string }): string {
  return code === undefined
    ? 'If it should have passed, change filter.expression of the EventSource, and have it sent again'
    : 'Have it corrected at its origin, and sent again';
}

function replay(sensor: string, { positions }: EventFacts): string {
  const sequence = positions.at(-1)?.sequence;
  if (sequence === undefined) return 'have it sent again: the bus no longer keeps it';
  return `sluice replay --sensor ${sensor} --seq ${sequence} --why TEXT`;
}

/** Returns `<namespace>/<name>` as commands accept it. */
function named(sensor: string): string {
  const [namespace = '', name = ''] = sensor.split('/');
  return `${name} -n ${namespace}`;
}

function sentences(...texts: ReadonlyArray<string | undefined>): string {
  return texts.flatMap((text) => (text === undefined ? [] : [text.replace(/\.$/, '')])).join('. ');
}
