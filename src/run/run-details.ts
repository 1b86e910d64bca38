/** What a person sees of a run in the Temporal UI: one Markdown panel, problems first. Pure. */
import type { JsonValue } from '../event/json';
import { describeOverrides } from './overrides';
import type { RunLedger } from './run-ledger';
import type { FireState, FireStatus } from './run-types';

/** The server keeps 20 kB of details: fires may take 12 of them, decisions of people the rest. */
const SHOWN_FIRES = 40;
const FIRES_LENGTH = 12_000;
const SHOWN_EVENTS = 3;
const FAILURE_LENGTH = 600;

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
  readonly retriggerOf?: {
    readonly runId: string;
    readonly by: string;
    readonly why: string;
    readonly overrides?: Readonly<Record<string, JsonValue>>;
  };
}

/** `decisions`: what people did to this run, in order. */
export function describeRun(run: DescribedRun, ledger: RunLedger, decisions: readonly string[]): string {
  const fires = [...ledger.statuses()].sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  const lines = [
    `**${ledger.state()}** · sensor \`${run.sensor.namespace}/${run.sensor.name}\` · ${countByState(fires)}`,
    '',
  ];
  if (run.retriggerOf !== undefined) {
    const { runId, by, why, overrides } = run.retriggerOf;
    lines.push(`Retrigger of \`${runId}\` by ${cell(by)}: ${cell(why)}${cell(describeOverrides(overrides))}`, '');
  }
  // A list, because the panel is about 550 pixels wide, and ids and messages hold long words: a table would be cut.
  const items = fires.slice(0, SHOWN_FIRES).map(describeFire);
  let length = 0;
  const shown = items.filter((item) => (length += item.length) <= FIRES_LENGTH);
  lines.push(...shown);
  if (fires.length > shown.length) lines.push('', `… and ${fires.length - shown.length} more fires.`);
  if (decisions.length > 0) lines.push('', ...decisions.slice(-20).map((decision) => `- ${cell(decision)}`));
  if (ledger.parked().length > 0) {
    const [until] = fires.flatMap(({ parkedUntil }) => parkedUntil ?? []).sort();
    const limit = until === undefined ? '' : ` until ${until}, when it fails`;
    lines.push(
      '',
      `Parked${limit}: send signal \`retrigger\` or \`discard\` with<br>\`{"by": "your name", "why": "the reason"}\``,
    );
  }
  // The UI cuts the last lines of a list off where nothing follows it.
  return [...lines, '', '<br>'].join('\n');
}

function countByState(fires: readonly FireStatus[]): string {
  const counts = new Map<FireState, number>();
  for (const fire of fires) counts.set(fire.state, (counts.get(fire.state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function describeFire(fire: FireStatus): string {
  const { trigger, state, attempts, events, outcome, failure } = fire;
  const tries = attempts === 0 ? '' : ` · ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const shown = events.slice(0, SHOWN_EVENTS).map((event) => `event ${cell(event)}`);
  if (events.length > shown.length) shown.push(`… and ${events.length - shown.length} more events`);
  const made = describeObject(fire);
  return [
    `- **${state}** ${cell(trigger)}${tries}`,
    ...shown,
    ...(made === '' ? [] : [`made ${made}`]),
    ...(failure === undefined ? [] : describeFailure(failure)),
    ...(outcome === undefined ? [] : [cell(describeOutcome(outcome))]),
  ].join('<br>');
}

function describeObject({ object, link, answer }: FireStatus): string {
  if (object === undefined) return cell(answer ?? '');
  const { kind, namespace, name } = object;
  const label = `${kind} \`${namespace === undefined ? '' : `${namespace}/`}${name}\``;
  return link === undefined ? label : `[${label}](${link})`;
}

function describeOutcome({ phase, message }: NonNullable<FireStatus['outcome']>): string {
  return `outcome ${phase}${message ? `: ${message}` : ''}`;
}

function describeFailure({ code, message, fix }: NonNullable<FireStatus['failure']>): string[] {
  const shown = cell(`${code}: ${message}`, FAILURE_LENGTH);
  const cut = shown.endsWith('…') ? ' (`sluice runs show` has the whole of it)' : '';
  return [`${shown}${cut}`, ...(fix ? [cell(fix)] : [])];
}

/** Keeps text from breaking the list, and a long text from taking the panel. */
function cell(text: string, mostCharacters = 200): string {
  const line = text.replace(/\s+/g, ' ').replace(/</g, '\\<');
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 1)}…` : line;
}
