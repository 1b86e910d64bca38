/** `sluice migrate eventbus`: rewrites an EventBus on NATS Streaming for JetStream. Needs no server. */
import type { Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error';
import type { EventBus } from '../../manifest/event-bus';
import type { ManifestDocument } from '../../validation/manifest-document';
import { migrateEventBus, needsNatsUrl } from '../../validation/migrate-event-bus';
import { writeYaml } from '../../yaml/write-yaml';
import { collect } from '../arguments';
import { refuseManifests } from '../printing/print-problems';
import type { Output } from '../printing/output';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';

interface MigrateOptions {
  filename: string[];
  natsUrl?: string;
}

interface Migrated {
  readonly bus: EventBus;
  readonly notes: readonly string[];
}

const EXAMPLES = `
Examples:
  sluice migrate eventbus -f eventbus.yaml > jetstream.yaml
  kubectl get eventbus default -o yaml | sluice migrate eventbus -f - |
    kubectl apply --dry-run=server -f -
  sluice migrate eventbus -f manifests/ \\
    --nats-url nats://nats.messaging:4222 -o yaml`;

export const registerMigrateEventBus: RegisterCommand = (program, cli) => {
  program
    .command('eventbus')
    .summary('from NATS Streaming to JetStream, offline')
    .description(
      'Writes each EventBus of kind nats (NATS Streaming, which Argo Events has removed) for JetStream: with the same ' +
        'name, namespace, labels and annotations, and every setting that has a counterpart. Other settings are listed in a ' +
        'comment above the object, or on stderr with -o yaml and -o json. Changes no file and no cluster.',
    )
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option('--nats-url <url>', 'an existing NATS server with JetStream: writes jetstreamExotic')
    .addHelpText('after', EXAMPLES)
    .action(async ({ filename, natsUrl }: MigrateOptions, command: Command) => {
      const output = cli.output(command);
      const { documents, problems } = await readManifests(filename, cli.io);
      const errors = problems.filter(({ severity }) => severity === 'error');
      if (errors.length > 0) throw refuseManifests(errors, 'Nothing was migrated', output);
      const buses = documents.filter((document) => document.kind === 'EventBus');
      const migrated = buses.flatMap((document) => migrate(document, natsUrl));
      if (migrated.length === 0) {
        throw new SluiceError('USAGE', {
          message: `No EventBus on NATS Streaming (spec.nats) among ${count(documents.length, 'object')}`,
          fix: 'Name a file that holds one; other buses need no migration',
        });
      }
      print(output, migrated);
      const others = documents.length - migrated.length;
      if (others > 0) output.note(`${count(others, 'other object')} left out: nothing in them changes.`);
    });
};

function migrate(
  { object, origin }: Extract<ManifestDocument, { kind: 'EventBus' }>,
  natsUrl: string | undefined,
): Migrated[] {
  const where = `EventBus/${object.metadata.name} (${origin.file}:${origin.line})`;
  if (needsNatsUrl(object) && natsUrl === undefined) {
    throw new SluiceError('USAGE', {
      message: `${where} uses a NATS Streaming server that Argo Events does not run (spec.nats.exotic)`,
      fix: 'Give --nats-url with the address of a NATS server that has JetStream',
    });
  }
  const result = migrateEventBus(object, natsUrl);
  if (result === undefined) return [];
  const mistake = result.findings.find(({ severity }) => severity === 'error');
  if (mistake !== undefined) {
    const { message, found, expected } = mistake;
    throw new SluiceError('USAGE', {
      message: `${where} cannot be migrated: ${message}${found === undefined ? '' : `, found ${found}`}`,
      ...(expected !== undefined && { fix: `Expected ${expected}` }),
    });
  }
  const warnings = result.findings.map(({ message, fix = '' }) => `${message}. ${fix}`.trim());
  return [{ bus: result.object, notes: [...result.notes, ...warnings] }];
}

function print(output: Output, migrated: readonly Migrated[]): void {
  const objects = migrated.map(({ bus }) => bus);
  const [only] = objects;
  output.print({
    data: objects.length === 1 ? only : { apiVersion: 'v1', kind: 'List', items: objects },
    table: migrated.map(({ bus, notes }) => withComments(bus, notes)).join('\n---\n'),
    names: objects.map(({ metadata }) => `EventBus/${metadata.name}`),
  });
  if (output.format === 'table') return;
  for (const { bus, notes } of migrated)
    for (const note of notes) output.note(`EventBus/${bus.metadata.name}: ${note}`);
}

function withComments(bus: EventBus, notes: readonly string[]): string {
  return [...notes.map((note) => `# ${note.replace(/\s+/g, ' ')}\n`), writeYaml(bus).trimEnd()].join('');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
