/** `sluice dev`: the servers of the demo and real workers, for the user's own manifests. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error';
import { isJsonObject } from '../../event/json';
import { type ManifestDocument, identityOf } from '../../validation/manifest-document';
import { applyToKubernetes, type OtherDocument } from '../../control/apply/apply-kubernetes';
import { defaultNamespace } from '../../control/applied-kinds';
import { collect } from '../arguments';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import type { CliIo } from '../io';
import { refuseManifests } from '../printing/print-problems';
import { reportManifests } from '../../validation/manifest-report';
import type { Output } from '../printing/output';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';
import { apply } from './apply';

interface DevOptions {
  filename?: string[];
  namespace?: string;
  stac: boolean;
}

/** The parts of dev/ that are used here. The product must not depend on dev/, which only a checkout has. */
interface DevFolder {
  startSystem(options: {
    readonly scenes?: unknown;
    readonly workflowDurationMs: number;
    readonly redisNames?: readonly string[];
    readonly onStarted: (name: string, where: string) => void;
  }): Promise<{
    readonly temporal: { readonly uiUrl: string };
    readonly stac?: { readonly url: string };
    readonly environment: Readonly<Record<string, string>>;
    stop(): Promise<void>;
  }>;
  startWorker(
    entry: 'all-in-one',
    environment: Readonly<Record<string, string>>,
  ): Promise<{ readonly logPath: string; stop(): Promise<void> }>;
  generateStacItems(): unknown;
}

const DEV_FOLDER = path.join(__dirname, '..', '..', '..', 'dev');
const WORKFLOW_DURATION_MS = 1_500;
const READY_TIMEOUT_MS = 30_000;

const EXAMPLES = `
Examples:
  sluice dev -f examples/water-bodies
  sluice dev -o name > .env   # addresses, as NAME=value, once everything is up

Starts Temporal with its UI, NATS, Redis, an API server, a stand-in for the Argo
controller, a STAC API and the workers, applies the manifests and stays up until
Ctrl-C. Redis addresses in the manifests mean the Redis started here. A cluster
that SLUICE_DEV_KUBECONFIG names keeps its own controller: no stand-in is
started, nothing is installed.`;

export const registerDev: RegisterCommand = (program, cli) => {
  program
    .command('dev')
    .summary('run servers, workers and your manifests on this machine')
    .description('Starts everything that manifests need, on this machine, from a checkout of Sluice.')
    .option('-f, --filename <path>', 'manifests to apply: file or folder; may be repeated', collect)
    .option(
      '-n, --namespace <name>',
      'Kubernetes namespace of manifests that name none (default: SLUICE_NAMESPACE, default)',
    )
    .option('--no-stac', 'leave out the STAC API')
    .addHelpText('after', EXAMPLES)
    .action(async (options: DevOptions, command: Command) => {
      cli.exitWith(await dev(options, cli.output(command), cli.io));
    });
};

async function dev(options: DevOptions, output: Output, io: CliIo): Promise<ExitCode> {
  const folder = await loadDevFolder();
  // Read first: servers start slowly, and invalid manifests need none.
  const documents = options.filename ? await readValid(options.filename, output, io) : [];
  const running: Array<{ stop(): Promise<void> }> = [];
  try {
    const system = await folder.startSystem({
      ...(options.stac ? { scenes: folder.generateStacItems() } : {}),
      workflowDurationMs: WORKFLOW_DURATION_MS,
      redisNames: redisNamesIn(documents),
      onStarted: (name, where) => output.note(`${name}: ${where}`),
    });
    running.unshift(system);
    const addresses = { ...system.environment, ...chosenTaskQueues(io) };
    const environment = { ...sluiceVariables(io), ...addresses };
    const worker = await folder.startWorker('all-in-one', environment);
    running.unshift(worker);
    output.note(`Sluice workers: log in ${worker.logPath}`);

    const devIo = { ...io, env: { ...io.env, ...environment } };
    if (options.filename) {
      await createNamespaces(documents, options, devIo);
      const { filename, namespace } = options;
      const applied = await apply(
        { filename, namespace, kubernetes: true, wait: READY_TIMEOUT_MS, why: 'sluice dev' },
        noted(output),
        devIo,
      );
      if (applied !== EXIT_CODES.ok) output.note('Some objects are not ready yet: `sluice status` shows why.');
    }
    print(addresses, system.temporal.uiUrl, system.stac?.url, output);
    output.note('Up. Press Ctrl-C to stop.');
    await untilAborted(io.signal);
    return EXIT_CODES.ok;
  } finally {
    for (const part of running) await part.stop();
  }
}

async function readValid(paths: readonly string[], output: Output, io: CliIo): Promise<readonly ManifestDocument[]> {
  const manifests = await readManifests(paths, io);
  const report = reportManifests(manifests, ['error', 'unsupported']);
  if (!report.valid) throw refuseManifests(report.problems, 'Nothing was started', output);
  return manifests.documents;
}

async function loadDevFolder(): Promise<DevFolder> {
  const files = ['system', 'worker-process', 'stac-items'].map((name) => path.join(DEV_FOLDER, `${name}.js`));
  if (!files.every((file) => existsSync(file))) {
    throw new SluiceError('USAGE', {
      message: '`sluice dev` needs a checkout of Sluice: the package holds only what runs in production',
      fix: 'Clone the repository, run npm ci, and use npx sluice dev there',
    });
  }
  const modules = await Promise.all(
    files.map((file) => import(pathToFileURL(file).href) as Promise<Partial<DevFolder>>),
  );
  return Object.assign({}, ...modules) as DevFolder;
}

/** Returns every address of a Redis server in the sources. */
function redisNamesIn(documents: readonly ManifestDocument[]): string[] {
  const names = documents.flatMap((document) => {
    if (document.kind !== 'EventSource') return [];
    const { redis = {}, redisStream = {} } = document.object.spec;
    return [...Object.values(redis), ...Object.values(redisStream)].map(({ hostAddress }) => hostAddress);
  });
  return [...new Set(names)];
}

/** The API server starts empty: the namespaces that the manifests assume are created first. */
async function createNamespaces(documents: readonly ManifestDocument[], options: DevOptions, io: CliIo): Promise<void> {
  const fallback = options.namespace ?? defaultNamespace(io);
  const wanted = new Set([fallback, ...documents.map((document) => identityOf(document).namespace ?? fallback)]);
  const namespaces = [...wanted].map((name): OtherDocument => ({
    kind: 'other',
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    origin: { file: 'sluice dev', line: 1 },
  }));
  await applyToKubernetes(namespaces, fallback, false, io);
}

/** Standard output is for the addresses alone; the output of apply goes to stderr. */
function noted(output: Output): Output {
  return {
    ...output,
    print: ({ data }) => {
      const objects = isObjectList(data) ? data.objects : [];
      for (const { kind, name, action, state } of objects) output.note(`${kind}/${name}: ${action}, ${state}`);
    },
  };
}

interface ObjectList {
  readonly objects: ReadonlyArray<Readonly<Record<'kind' | 'name' | 'action' | 'state', string>>>;
}

function isObjectList(data: unknown): data is ObjectList {
  return isJsonObject(data) && Array.isArray(data['objects']);
}

function print(
  environment: Readonly<Record<string, string>>,
  temporalUi: string,
  stac: string | undefined,
  output: Output,
): void {
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  output.print({
    data: { environment, temporalUi, stac: stac ?? null },
    table: [
      `Temporal UI  ${temporalUi}`,
      ...(stac === undefined ? [] : [`STAC API     ${stac}`]),
      `For other terminals:\n${lines.map((line) => `  export ${line}`).join('\n')}`,
    ],
    names: lines,
  });
}

/** The user's settings for workers and commands alike: task queues, log level, secrets. */
function sluiceVariables(io: CliIo): Record<string, string> {
  return Object.fromEntries(
    Object.entries(io.env).filter(
      (entry): entry is [string, string] => entry[0].startsWith('SLUICE_') && entry[1] !== undefined,
    ),
  );
}

/** Task queues that the user has set take precedence over those of the servers. */
function chosenTaskQueues(io: CliIo): Record<string, string> {
  return Object.fromEntries(Object.entries(sluiceVariables(io)).filter(([name]) => name.endsWith('_TASK_QUEUE')));
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // An abort listener alone does not keep the process alive.
  const alive = setInterval(() => undefined, 1 << 30);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}
