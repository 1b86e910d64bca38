/** `sluice bus prepare`: creates the streams for a tenant whose NATS user may not create any. */
import type { Command } from 'commander';
import { busSettings } from '../../bus/bus-settings';
import { busNames, type BusNames } from '../../bus/bus-names';
import { formatPermissions, tenantPermissions, type NatsPermissions } from '../../bus/tenant-permissions';
import { SluiceError } from '../../errors/sluice-error';
import { defaultNamespace } from '../../control/applied-kinds';
import { resolveDesired } from '../../control/apply/desired-objects';
import { withOpenBus } from '../../control/explain/open-buses';
import { collect } from '../arguments';
import type { CliIo } from '../io';
import { refuseManifests } from '../printing/print-problems';
import { reportManifests } from '../../validation/manifest-report';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';
import type { EventBusDefinition } from '../../contract/definitions';

interface PrepareOptions {
  filename: string[];
  namespace?: string;
  temporalNamespace?: string;
  permissionsOnly?: boolean;
}

interface Prepared {
  readonly bus: string;
  readonly temporalNamespace: string;
  readonly tenant: string;
  readonly permissions: NatsPermissions;
}

const EXAMPLES = `
Examples:
  SLUICE_BUS_URL=nats://operator:secret@nats:4222 \\
    sluice bus prepare -f bus.yaml -n tenant-a
  sluice bus prepare -f bus.yaml -n tenant-a --permissions-only -o json`;

export const registerBusPrepare: RegisterCommand = (program, cli) => {
  program
    .command('prepare')
    .summary('create the streams of an EventBus, and show the NATS permissions that it needs')
    .description(
      'Creates the streams and buckets of each EventBus, connecting as a user with those rights, and shows the permissions of ' +
        'a user for this EventBus alone. For buses with their own stream.',
    )
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option('-n, --namespace <name>', 'namespace of an EventBus that names none (default: SLUICE_NAMESPACE, default)')
    .option('--temporal-namespace <name>', 'where the workers are (default: TEMPORAL_NAMESPACE, default)')
    .option('--permissions-only', 'create nothing, connect to nothing')
    .addHelpText('after', EXAMPLES)
    .action(async (options: PrepareOptions, command: Command) => {
      const output = cli.output(command);
      const manifests = await readManifests(options.filename, cli.io);
      const { valid, problems } = reportManifests(manifests, ['error', 'unsupported']);
      if (!valid) throw refuseManifests(problems, 'Nothing was prepared', output);
      const { namespace, temporalNamespace = cli.io.env['TEMPORAL_NAMESPACE'] || 'default' } = options;
      const namespaces = { ...(namespace && { required: namespace }), fallback: defaultNamespace(cli.io) };
      const buses = manifests.documents.filter(({ kind }) => kind === 'EventBus');
      const resolved = await resolveDesired(buses, namespaces, () => Promise.resolve(undefined));
      if (resolved.problems.length > 0) throw refuseManifests(resolved.problems, 'Nothing was prepared', output);
      const prepared: Prepared[] = [];
      for (const { definition } of resolved.desired.filter((object) => object.kind === 'EventBus')) {
        const names = namesOf(definition, temporalNamespace, cli.io);
        if (options.permissionsOnly !== true) {
          await withOpenBus(definition, { temporalNamespace }, cli.io, (bus) => bus.prepare());
        }
        const bus = `${definition.namespace}/${definition.name}`;
        const permissions = tenantPermissions(names);
        prepared.push({ bus, temporalNamespace, tenant: names.tenant, permissions });
      }
      if (prepared.length === 0) throw noBus();
      output.print({
        data: { buses: prepared },
        table: prepared.map(({ bus, permissions }) => `# ${bus}\n${formatPermissions(permissions)}`),
        names: prepared.map(({ tenant }) => tenant),
      });
    });
};

function namesOf(definition: EventBusDefinition, temporalNamespace: string, { env }: CliIo): BusNames {
  const { namespace, name } = definition;
  const { streamKind } = busSettings(definition, env['SLUICE_BUS_URL'] || undefined);
  if (streamKind === 'own') return busNames({ temporalNamespace, namespace, bus: name }, streamKind);
  throw new SluiceError('BUS_MISCONFIGURED', {
    message: `Event bus ${namespace}/${name} shares the stream of Argo Events, so permissions cannot keep it apart`,
    fix: 'Annotate it with sluice.io/stream: own, or set SLUICE_BUS_URL to the value that the workers use.',
    context: { bus: `${namespace}/${name}` },
  });
}

function noBus(): SluiceError {
  return new SluiceError('USAGE', {
    message: 'No EventBus in these files',
    fix: 'Pass the manifest of the EventBus with -f.',
  });
}
