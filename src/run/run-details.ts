/** What a person sees of a run in the Temporal UI: one Markdown panel, problems first. Pure. */
import type { RunLedger } from './run-ledger';
import type { FireState, FireStatus } from './run-types';

/** The server keeps 20 kB of details; a row takes up to about 400 bytes. */
const SHOWN_FIRES = 40;

const ORDER: Readonly<Record<FireState, number>> = {
  Parked: 0,
  Failed: 1,
  DeadLettered: 2,
  Retrying: 3,
  Firing: 4,
  Waiting: 5,
  Discarded: 6,
  Succeeded: 7,
};

export interface DescribedRun {
  readonly sensor: { readonly namespace: string; readonly name: string };
  readonly retriggerOf?: { readonly runId: string; readonly by: string; readonly why: string };
}

/** `decisions`: what people did to this run, in order. */
export function describeRun(run: DescribedRun, ledger: RunLedger, decisions: readonly string[]): string {
  const fires = [...ledger.statuses()].sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  const shown = fires.slice(0, SHOWN_FIRES);
  const lines = [
    `**${ledger.state()}** · sensor \`${run.sensor.namespace}/${run.sensor.name}\` · ${countByState(fires)}`,
    '',
  ];
  if (run.retriggerOf !== undefined) {
    const { runId, by, why } = run.retriggerOf;
    lines.push(`Retrigger of \`${runId}\` by ${cell(by)}: ${cell(why)}`, '');
  }
  lines.push('| trigger | events | state | made | attempts | what happened |', '|---|---|---|---|---|---|');
  for (const fire of shown) {
    lines.push(
      `| ${cell(fire.trigger)} | ${cell(fire.events.slice(0, 3).join(', '))}${fire.events.length > 3 ? ' …' : ''} | ` +
        `${fire.state} | ${describeObject(fire)} | ${fire.attempts} | ${cell(describeEnd(fire))} |`,
    );
  }
  if (fires.length > shown.length) lines.push('', `… and ${fires.length - shown.length} more fires.`);
  if (decisions.length > 0) lines.push('', ...decisions.slice(-20).map((decision) => `- ${cell(decision)}`));
  if (ledger.parked().length > 0) {
    lines.push('', 'Parked: send signal `retrigger` or `discard` with `{"by": "your name", "why": "the reason"}`.');
  }
  return lines.join('\n');
}

function countByState(fires: readonly FireStatus[]): string {
  const counts = new Map<FireState, number>();
  for (const fire of fires) counts.set(fire.state, (counts.get(fire.state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function describeObject({ object, link, answer }: FireStatus): string {
  if (object === undefined) return cell(answer ?? '');
  const { kind, namespace, name } = object;
  const label = `${kind} \`${namespace === undefined ? '' : `${namespace}/`}${name}\``;
  return link === undefined ? label : `[${label}](${link})`;
}

function describeEnd(fire: FireStatus): string {
  if (fire.outcome !== undefined)
    return `${fire.outcome.phase}${fire.outcome.message ? `: ${fire.outcome.message}` : ''}`;
  if (fire.failure === undefined) return '';
  return `${fire.failure.code}: ${fire.failure.message}${fire.failure.fix ? ` ${fire.failure.fix}` : ''}`;
}

/** Keeps text from breaking the table, and a long text from taking the panel. */
function cell(text: string): string {
  const line = text.replace(/\s+/g, ' ').replace(/\|/g, '\\|');
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
