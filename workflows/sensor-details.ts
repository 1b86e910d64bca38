/** What a person sees of a sensor in the Temporal UI: one Markdown panel. Pure. */
import { describeStopped } from './stopped-parts';
import type { HeldDependencies, SensorStatus } from './messages';

const SHOWN_EVENTS = 20;

export function describeSensor(status: SensorStatus, held: readonly HeldDependencies[]): string {
  const { counts } = status;
  return [
    `Sensor **${status.namespace}/${status.name}**, applied ${status.appliedAt}`,
    ...(status.paused
      ? ['', `**Paused** since ${status.paused.since} by ${status.paused.by}: ${status.paused.why}`]
      : []),
    ...(status.holdingBack
      ? [
          '',
          `**Holding back**: ${status.holdingBack.waiting} events wait for their turn; what follows waits on the bus`,
        ]
      : []),
    ...(status.stopped ?? []).flatMap((part) => ['', `**Stopped:** ${describeStopped(part)}`]),
    '',
    '| consumed | matched | unmatched | failed | fired | parked runs | lag |',
    '|---|---|---|---|---|---|---|',
    `| ${[counts.consumed, counts.matched, counts.unmatched, counts.failed, counts.fired, status.parked ?? '', status.lag ?? ''].join(' | ')} |`,
    ...(status.countedAt === undefined ? [] : ['', `Counted at ${status.countedAt}.`]),
    ...(status.refusals === undefined ? [] : ['', ...status.refusals.map((refusal) => `- refused ${refusal}`)]),
    '',
    ...status.triggers.map(({ name, condition }) => {
      const lines = describeHeld(held.find(({ trigger }) => trigger === name));
      return [`- **${name}** when \`${condition}\``, ...lines].join('<br>');
    }),
    // The UI cuts the last lines of a list off where nothing follows it.
    ...['', '<br>'],
  ].join('\n');
}

function describeHeld(state: HeldDependencies | undefined): string[] {
  if (state === undefined) return [];
  const shown = state.held.slice(0, SHOWN_EVENTS).map(({ dependency, eventKey }) => `holds ${dependency} ${eventKey}`);
  const more = state.held.length - shown.length + (state.more ?? 0);
  if (more > 0) shown.push(`… ${more} more`);
  if (state.collected) shown.push(`${state.collected} collected`);
  if (state.waiting) shown.push(`${state.waiting} waiting for their turn`);
  if (state.running) shown.push(`${state.running} under way`);
  if (state.waitingFor.length > 0) shown.push(`waits for **${state.waitingFor.join(', ')}**`);
  return shown;
}
