/** `sluice runs discard`: a person decides that a parked run is not to be fired. */
import type { Command } from 'commander';
import { discardSignal } from '../../../workflows/messages';
import { SluiceError } from '../../errors';
import { accountableOf, addAccountableOptions, type AccountableOptions } from '../accountable';
import { runUnknown, signalWorkflow } from '../ask-workflow';
import { parseRunId, requireRun } from '../runs/find-runs';
import type { RegisterCommand } from '../runtime';
import { addTemporalOptions, withTemporal, type TemporalOptions } from '../temporal';

export const registerRunsDiscard: RegisterCommand = (runs, cli) => {
  addAccountableOptions(addTemporalOptions(runs.command('discard <run-id>')))
    .summary('give up a parked run')
    .description('Ends a parked run without firing it. Who decided it and why is kept on the run.')
    .addHelpText(
      'after',
      "\nExample:\n  sluice runs discard run/argo/water-bodies/stac:items:1-0 --why 'scene was withdrawn'",
    )
    .action(async (text: string, options: TemporalOptions & AccountableOptions, command: Command) => {
      const { id } = parseRunId(text);
      const request = accountableOf(options, cli.io);
      await withTemporal(options, cli.io, async (session) => {
        const { state } = await requireRun(session, id);
        if (state !== 'Parked') {
          throw new SluiceError('USAGE', {
            message: `${id} is not parked but ${state}`,
            fix: 'Only parked runs can be discarded',
          });
        }
        await signalWorkflow(session, id, discardSignal, [request], () => runUnknown(id));
      });
      cli
        .output(command)
        .print({ data: { id, action: 'discarded', ...request }, table: `${id} discarded`, names: [id] });
    });
};
