/** The details of a run in the Temporal UI: one Markdown panel, problems first. Pure. */
import { shortEventId } from '../../event/short-id';
import { asCode, asLink, asProse, describeFirst } from '../../text/markdown-text';
import { showDuration, showTime } from '../../text/readable-times';
import { linkToList, linkToWorkflow } from '../../text/temporal-ui-links';
import { describeOverrides, type Overrides } from '../../contract/overrides';
import { describeListenerAttempts } from './listener-attempts';
import type { RunLedger } from './run-ledger';
import type { FireState, FireStatus } from '../../contract/fires';
import { describeRequester } from '../../text/requester-name';

/** The server keeps 20 kB of details: fires may take 12 of them, operators' decisions the rest. */
const SHOWN_FIRES = { values: 40, characters: 12_000 };
const SHOWN_EVENTS = 3;
/** Runs with up to this many fires link each event to all runs that carry it. */
const LINKED_FIRES = 10;
const SHOWN_OUTPUTS = 5;
const SHOWN_DECISIONS = 20;
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
    readonly overrides?: Overrides;
  };
  /** Why the content is missing; such a run can only be discarded. */
  readonly contentMissing?: string;
}

/** Where to find the run in the Temporal UI. */
export interface RunSurroundings {
  readonly temporalNamespace: string;
  readonly sensorWorkflowId: string;
}

/** `decisions`: operators' decisions about this run, in order. */
export function describeRunDetails(
  run: DescribedRun,
  { temporalNamespace, sensorWorkflowId }: RunSurroundings,
  ledger: RunLedger,
  decisions: readonly string[],
): string {
  const fires = [...ledger.statuses()].sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  const parked = fires.filter(({ state }) => state === 'Parked');
  const describeEvent = (key: string): string =>
    // With many fires, links to single events are of little use, and each hash costs time.
    fires.length > LINKED_FIRES
      ? asCode(key)
      : linkToList(asCode(key), temporalNamespace, `SluiceEventIds = '${shortEventId(key)}'`);
  const lines = [
    `**${ledger.state()}** · ${linkToWorkflow(temporalNamespace, sensorWorkflowId)} · ${countByState(fires)}`,
    '',
  ];
  if (run.retriggerOf !== undefined) {
    const { runId, by, why, overrides } = run.retriggerOf;
    const account = `${asProse(describeRequester(by))}: ${asProse(`${why}${describeOverrides(overrides)}`)}`;
    lines.push(`Retrigger of ${linkToWorkflow(temporalNamespace, runId)} by ${account}`, '');
  }
  const byListener = describeListenerAttempts(fires);
  if (byListener !== undefined) lines.push(asProse(byListener), '');
  // A list, because the panel is about 550 pixels wide and ids and messages contain long words: a table would be cut
  // off.
  lines.push(
    ...describeFirst(
      fires,
      SHOWN_FIRES,
      (fire) => describeFire(fire, parked.length > 1, describeEvent),
      (count) => `… and ${count} more fires.`,
    ),
  );
  if (fires.some(({ state }) => state === 'Firing' || state === 'Retrying')) {
    lines.push('', '**Pending Activities** shows the current attempt, the next one, and the last failure.');
  }
  if (decisions.length > 0) {
    lines.push('', ...decisions.slice(-SHOWN_DECISIONS).map((decision) => `- ${asProse(decision)}`));
  }
  if (parked.length > 0) lines.push('', ...describeChoices(run, parked));
  // The UI cuts off the last lines of a list unless something follows it.
  return [...lines, '', '<br>'].join('\n');
}

function countByState(fires: readonly FireStatus[]): string {
  const counts = new Map<FireState, number>();
  for (const fire of fires) counts.set(fire.state, (counts.get(fire.state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

/** The signals that an operator may send, ready to copy. */
function describeChoices({ contentMissing }: DescribedRun, [first, ...others]: readonly FireStatus[]): string[] {
  if (first === undefined) return [];
  const account = '"by": "your name", "why": "the reason"';
  const discard = `\`discard\` gives up the parked fires: \`{${account}}\``;
  const retrigger = [
    `\`retrigger\` fires it again: \`{${account}}\``,
    ...(others.length === 0 ? [] : [`or one of several: \`{${account}, "fireId": "${first.id}"}\``]),
  ];
  const choices = contentMissing === undefined ? [...retrigger, discard] : [discard];
  return [['**To decide:** More Actions → Send a Signal', ...choices].join('<br>')];
}

function describeFire(fire: FireStatus, isNamed: boolean, describeEvent: (key: string) => string): string {
  const { id, trigger, state, attempts, events, parked, outcome, failure } = fire;
  const shown = events.slice(0, SHOWN_EVENTS).map((event) => `event ${describeEvent(event)}`);
  if (events.length > shown.length) shown.push(`… and ${events.length - shown.length} more events`);
  const did = describeResult(fire);
  return [
    [
      `- **${state}** ${asCode(trigger)}`,
      ...(attempts === 0 ? [] : [`${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`]),
      ...(isNamed && state === 'Parked' ? [`fireId ${asCode(id)}`] : []),
    ].join(' · '),
    ...shown,
    ...(did === '' ? [] : [did]),
    ...(failure === undefined ? [] : describeFailure(failure)),
    ...(parked === undefined
      ? []
      : [`parked since ${showTime(parked.since)}; fails at ${showTime(parked.until)} unless an operator decides`]),
    ...(outcome === undefined ? [] : describeOutcome(outcome)),
  ].join('<br>');
}

function describeResult({ state, object, action, link, answer }: FireStatus): string {
  const deadLetter = state === 'DeadLettered' ? 'dead letter: ' : '';
  if (object === undefined) return answer === undefined ? '' : `${deadLetter}${asProse(answer)}`;
  const { kind, namespace, name } = object;
  const label = `${asProse(kind)} ${asCode(`${namespace === undefined ? '' : `${namespace}/`}${name}`)}`;
  return `${deadLetter}${action ?? 'create'} ${link === undefined ? label : asLink(label, link)}`;
}

function describeOutcome(outcome: NonNullable<FireStatus['outcome']>): string[] {
  const { phase, message, startedAt, finishedAt, outputs } = outcome;
  const took = Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '');
  const shown = Object.entries(outputs).slice(0, SHOWN_OUTPUTS);
  const others = Object.keys(outputs).length - shown.length;
  return [
    [
      `outcome **${phase}**`,
      ...(Number.isNaN(took) ? [] : [` after ${showDuration(took)}`]),
      ...(finishedAt === undefined ? [] : [`, ${showTime(finishedAt)}`]),
      ...(message === '' ? [] : [`: ${asCode(message, FAILURE_LENGTH)}`]),
    ].join(''),
    ...shown.map(([name, value]) => `output ${asCode(name)} = ${asCode(value) || 'empty'}`),
    ...(others > 0 ? [`… and ${others} more outputs`] : []),
  ];
}

function describeFailure({ code, message, fix }: NonNullable<FireStatus['failure']>): string[] {
  const isCut = message.length > FAILURE_LENGTH;
  return [
    `${code}: ${asCode(message, FAILURE_LENGTH)}${isCut ? ' (`sluice runs show` shows all of it)' : ''}`,
    ...(fix ? [asProse(fix, FAILURE_LENGTH)] : []),
  ];
}
