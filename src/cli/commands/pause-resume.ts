/** `sluice pause` and `sluice resume`: durable; pending events stay where they are. */
import type { Command } from 'commander';
import { pauseSignal, resumeSignal } from '../../contract/lifecycle-messages';
import { SluiceError } from '../../errors/sluice-error';
import { requestedBy, addRequestedByOptions, type RequestedByOptions } from '../requested-by';
import { workflowIdOf } from '../../control/applied-objects';
import { defaultNamespace, parseObjectAddress } from '../../control/applied-kinds';
import { addressText, signalWorkflow } from '../../control/ask-workflow';
import type { CliRuntime, RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { objectUnknown } from '../../control/unknown-object';

type Action = 'pause' | 'resume';
type Options = TemporalOptions & RequestedByOptions & { namespace?: string };

const TEXTS = {
  pause: {
    summary: 'pause a source or sensor',
    description:
      'A paused source reads no events; they stay in the system that it reads (Redis Pub/Sub keeps none). ' +
      'A paused sensor takes no events from the bus, which keeps them.',
    example: "sluice pause sensor/water-bodies --why 'cluster upgrade'",
    done: 'paused',
  },
  resume: {
    summary: 'resume a paused source or sensor',
    description: 'Continues where it stopped.',
    example: "sluice resume sensor/water-bodies --why 'upgrade done'",
    done: 'resumed',
  },
} as const;

export const registerPause: RegisterCommand = (program, cli) => register('pause', program, cli);
export const registerResume: RegisterCommand = (program, cli) => register('resume', program, cli);

function register(action: Action, program: Command, cli: CliRuntime): void {
  const { summary, description, example, done } = TEXTS[action];
  const command = program.command(`${action} <object...>`).summary(summary).description(description);
  addRequestedByOptions(addTemporalOptions(command))
    .option('-n, --namespace <name>', 'Kubernetes namespace (default: SLUICE_NAMESPACE, default)')
    .addHelpText('after', `\nExample:\n  ${example}`)
    .action(async (words: string[], options: Options, self: Command) => {
      const address = parseObjectAddress(words, options.namespace ?? defaultNamespace(cli.io));
      if (address.kind.kind === 'EventBus') {
        throw new SluiceError('USAGE', { message: `A bus cannot be ${done}`, fix: 'Give a source or a sensor' });
      }
      const request = requestedBy(options, cli.io);
      const signal = action === 'pause' ? pauseSignal : resumeSignal;
      await withTemporal(options, cli.io, (session) =>
        signalWorkflow(session, workflowIdOf(address), signal, [request], () => objectUnknown(session, address)),
      );
      const { kind, namespace, name } = address;
      cli.output(self).print({
        data: { kind: kind.kind, namespace, name, action: done, ...request },
        table: `${addressText(address)} ${done}`,
        names: [`${kind.word}/${name}`],
      });
    });
}
