/** `sluice runs discard`: records an operator's decision not to fire a parked run. */
import type { Command } from 'commander';
import { discardSignal } from '../../contract/run-messages';
import { SluiceError } from '../../errors/sluice-error';
import { requestedBy, addRequestedByOptions, type RequestedByOptions } from '../requested-by';
import { runUnknown, signalWorkflow } from '../../control/ask-workflow';
import { parseRunId, requireRun } from '../../control/runs/search-runs';
import type { RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

export const registerRunsDiscard: RegisterCommand = (runs, cli) => {
  addRequestedByOptions(addTemporalOptions(runs.command('discard <run-id>')))
    .summary('discard a parked run')
    .description('Ends a parked run without firing it. The run keeps operator and reason.')
    .addHelpText(
      'after',
      "\nExample:\n  sluice runs discard run/argo/water-bodies/stac:items:1-0 \\\n    --why 'scene was withdrawn'",
    )
    .action(async (text: string, options: TemporalOptions & RequestedByOptions, command: Command) => {
      const { id } = parseRunId(text);
      const request = requestedBy(options, cli.io);
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
