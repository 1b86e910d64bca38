/** `sluice runs show`: one run with its fires, attempts, objects and outcomes. */
import type { Command } from 'commander';
import type { FireStatus } from '../../run/run-types';
import { ageOf } from '../ages';
import { runUnknown } from '../ask-workflow';
import { describeRun, parseRunId, type FoundRun } from '../runs/find-runs';
import { fireAdvice, fireReason, readFires } from '../runs/run-details';
import { readPendingActivities } from '../pending-activities';
import type { RegisterCommand } from '../runtime';
import { addTemporalOptions, withTemporal, type TemporalOptions } from '../temporal';
import { stateTone } from './runs-list';

export const registerRunsShow: RegisterCommand = (runs, cli) => {
  addTemporalOptions(runs.command('show <run-id>'))
    .summary('show one run')
    .description('Shows the fires of a run: events, attempts, the object that was created, the outcome.')
    .addHelpText('after', '\nExample:\n  sluice runs show run/argo/water-bodies/stac:items:STREAM:1647495121754-0')
    .action(async (text: string, options: TemporalOptions, command: Command) => {
      const { id } = parseRunId(text);
      const output = cli.output(command);
      const { run, fires, activities } = await withTemporal(options, cli.io, async (session) => {
        const found = await describeRun(session, id);
        const [answer, pending] = await Promise.all([
          readFires(session, id),
          readPendingActivities(session, id, () => runUnknown(id)),
        ]);
        return { run: found, fires: answer, activities: pending };
      });
      output.print({
        data: { ...run, fires: fires ?? null, activities },
        table: [
          heading(run),
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

function fireTable(fires: readonly FireStatus[]): { columns: string[]; rows: Array<Array<string | { text: string }>> } {
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
