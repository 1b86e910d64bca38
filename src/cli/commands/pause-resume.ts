/** `sluice pause` and `sluice resume`: durable, with what waits left where it is. */
import type { Command } from 'commander';
import { pauseSignal, resumeSignal } from '../../../workflows/messages';
import { SluiceError } from '../../errors';
import { accountableOf, addAccountableOptions, type AccountableOptions } from '../accountable';
import { workflowIdOf } from '../applied-objects';
import { defaultNamespace, parseObjectAddress } from '../applied-kinds';
import { addressText, signalWorkflow } from '../ask-workflow';
import type { CliRuntime, RegisterCommand } from '../runtime';
import { addTemporalOptions, withTemporal, type TemporalOptions } from '../temporal';
import { objectUnknown } from '../unknown-object';

type Action = 'pause' | 'resume';
type Options = TemporalOptions & AccountableOptions & { namespace?: string };

const TEXTS = {
  pause: {
    summary: 'stop a source or sensor for a while',
    description:
      'A paused source reads nothing: what comes waits outside (Redis Pub/Sub keeps nothing). ' +
      'A paused sensor takes nothing from the bus: the bus keeps the events.',
    example: "sluice pause sensor/water-bodies --why 'cluster upgrade'",
    done: 'paused',
  },
  resume: {
    summary: 'let a paused source or sensor go on',
    description: 'Goes on where it stopped.',
    example: "sluice resume sensor/water-bodies --why 'upgrade done'",
    done: 'resumed',
  },
} as const;

export const registerPause: RegisterCommand = (program, cli) => register('pause', program, cli);
export const registerResume: RegisterCommand = (program, cli) => register('resume', program, cli);

function register(action: Action, program: Command, cli: CliRuntime): void {
  const { summary, description, example, done } = TEXTS[action];
  const command = program.command(`${action} <object...>`).summary(summary).description(description);
  addAccountableOptions(addTemporalOptions(command))
    .option('-n, --namespace <name>', 'Kubernetes namespace (default: SLUICE_NAMESPACE, default)')
    .addHelpText('after', `\nExample:\n  ${example}`)
    .action(async (words: string[], options: Options, self: Command) => {
      const address = parseObjectAddress(words, options.namespace ?? defaultNamespace(cli.io));
      if (address.kind.kind === 'EventBus') {
        throw new SluiceError('USAGE', { message: `A bus cannot ${action}`, fix: 'Name a source or a sensor' });
      }
      const request = accountableOf(options, cli.io);
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
