/** `sluice pause` and `sluice resume`: durable; pending events stay where they are. */
import type { Command } from 'commander';
import { pauseSignal, resumeSignal } from '../../contract/lifecycle-messages';
import type { RequestedBy } from '../../contract/requester';
import { SluiceError } from '../../errors/sluice-error';
import { requestedBy, addRequestedByOptions, type RequestedByOptions } from '../requested-by';
import { workflowIdOf } from '../../control/applied-objects';
import { defaultNamespace, parseObjectAddresses, type ObjectAddress } from '../../control/applied-kinds';
import { addressText, signalWorkflow } from '../../control/ask-workflow';
import type { Result } from '../printing/output';
import type { CliRuntime, RegisterCommand } from '../runtime';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';
import { objectUnknown } from '../../control/unknown-object';

type Action = 'pause' | 'resume';
type Options = TemporalOptions & RequestedByOptions & { namespace?: string };

const TEXTS = {
  pause: {
    summary: 'pause sources or sensors',
    description:
      'A paused source reads no events; they stay in the system that it reads (Redis Pub/Sub keeps none). ' +
      'A paused sensor takes no events from the bus, which keeps them.',
    example: "sluice pause sensor/water-bodies --why 'cluster upgrade'",
    done: 'paused',
  },
  resume: {
    summary: 'resume paused sources or sensors',
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
      const addresses = parseObjectAddresses(words, options.namespace ?? defaultNamespace(cli.io));
      if (addresses.some(({ kind }) => kind.kind === 'EventBus')) {
        throw new SluiceError('USAGE', { message: `A bus cannot be ${done}`, fix: 'Give sources or sensors' });
      }
      const request = requestedBy(options, cli.io);
      const signal = action === 'pause' ? pauseSignal : resumeSignal;
      const reached: ObjectAddress[] = [];
      try {
        await withTemporal(options, cli.io, async (session) => {
          for (const address of addresses) {
            const unknown = () => objectUnknown(session, address);
            await signalWorkflow(session, workflowIdOf(address), signal, [request], unknown);
            reached.push(address);
          }
        });
      } finally {
        // An object that does not exist ends the command, after others were paused.
        if (reached.length > 0)
          cli.output(self).print(describe(reached, addresses.length === 1, { action: done, ...request }));
      }
    });
}

function describe(
  addresses: readonly ObjectAddress[],
  isOne: boolean,
  what: RequestedBy & { readonly action: string },
): Result {
  const objects = addresses.map(({ kind, namespace, name }) => ({ kind: kind.kind, namespace, name, ...what }));
  return {
    data: isOne ? objects[0] : { objects },
    table: addresses.map((address) => `${addressText(address)} ${what.action}`).join('\n'),
    names: addresses.map(({ kind, name }) => `${kind.word}/${name}`),
  };
}
