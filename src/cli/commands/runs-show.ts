/** `sluice runs show`: one run with its fires, attempts, objects and outcomes, and operators' actions on it. */
import type { Command } from 'commander';
import type { FireStatus } from '../../contract/fires';
import { describeListenerAttempts } from '../../sandbox/run/listener-attempts';
import { describeOverrides } from '../../contract/overrides';
import { ageOf } from '../../text/ages';
import { runUnknown } from '../../control/ask-workflow';
import type { RunFacts } from '../../control/explain/facts';
import { readRun } from '../../control/explain/read-runs';
import { findRun, findSuccessors, type FoundRun } from '../../control/runs/search-runs';
import { decideBy, fireAdvice, fireReason } from '../../control/runs/read-fires';
import type { RegisterCommand } from '../runtime';
import type { Table } from '../printing/table';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { stateTone } from './runs-list';
import { describeRequester } from '../../text/requester-name';

export const registerRunsShow: RegisterCommand = (runs, cli) => {
  addTemporalOptions(runs.command('show <run-id>'))
    .summary('show one run')
    .description(
      'Shows the fires of a run: events, attempts, the created object, the outcome, and what operators did and ' +
        'why. Also accepts part of a run id, or an event id, if it identifies one run.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  sluice runs show run/argo/water-bodies/stac:items:STREAM:1647495121754-0\n  sluice runs show 1647495121754',
    )
    .action(async (text: string, options: TemporalOptions, command: Command) => {
      const output = cli.output(command);
      const { run, successors } = await withTemporal(options, cli.io, async (session) => {
        const found = await findRun(session, text);
        const [facts, later] = await Promise.all([readRun(session, found), findSuccessors(session, found.id)]);
        if (facts === undefined) throw runUnknown(found.id);
        return { run: facts, successors: later };
      });
      const { fires, activities, ...rest } = run;
      output.print({
        data: { ...rest, fires: fires ?? null, retriggeredAs: successors.map(({ id }) => id), activities },
        table: [
          [heading(run), ...history(run, successors)].join('\n'),
          ...(fires ? [fireTable(fires), ...fireAdvice(fires).map((advice) => `What to do: ${advice}`)] : []),
          ...(activities.length > 0
            ? [
                activities
                  .map(
                    ({ type, state, attempt, lastFailure }) =>
                      `${type} ${state}, attempt ${attempt} ${lastFailure ?? ''}`,
                  )
                  .join('\n'),
              ]
            : []),
        ],
        names: [run.id],
      });
      if (!fires) output.note('The fires are not shown: no worker answers for this run.');
    });
};

function heading({ id, sensor, state, triggers, events, startedAt, endedAt }: FoundRun): string {
  const times = endedAt === undefined ? `started ${ageOf(startedAt)} ago` : `${startedAt} – ${endedAt}`;
  return `${id}\nsensor ${sensor}, ${state}, ${times}\ntriggers ${triggers.join(', ')}; events ${events.join(', ')}`;
}

/** Describes a run's origin, operators' actions on it, and its successors. */
function history(
  { origin, parkedBecause, priority, acts, fires }: RunFacts,
  successors: readonly FoundRun[],
): string[] {
  const until = decideBy(fires ?? []);
  const byListener = describeListenerAttempts(fires ?? []);
  return [
    ...(origin ? [`fires again ${origin.runId}, ${account(origin)}`] : []),
    ...(priority === undefined ? [] : [`priority ${priority}`]),
    ...(parkedBecause === undefined ? [] : [`parked from the start: ${parkedBecause}`]),
    ...(byListener === undefined ? [] : [byListener]),
    ...acts.map((act) => `${act.at} ${act.what} ${account(act)}`),
    ...successors.map(({ id, state }) => `retriggered as ${id} (${state})`),
    ...(until === undefined ? [] : [`waits for an operator until ${until}, then fails`]),
  ];
}

function account({ by, why, overrides }: Pick<RunFacts['acts'][number], 'by' | 'why' | 'overrides'>): string {
  return `by ${describeRequester(by)}: ${why}${describeOverrides(overrides)}`;
}

function fireTable(fires: readonly FireStatus[]): Table {
  return {
    columns: ['fire', 'trigger', 'state', 'attempts', 'events', 'object', 'reason'],
    rows: fires.map((fire) => [
      ...[fire.id, fire.trigger, { text: fire.state, tone: stateTone(fire.state) }, String(fire.attempts)],
      ...[fire.events.join(', ')],
      ...[
        fire.object ? `${fire.object.kind}/${fire.object.namespace ?? ''}/${fire.object.name}` : '-',
        fireReason(fire),
      ],
    ]),
  };
}
