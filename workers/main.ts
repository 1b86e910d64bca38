/** Entry of every worker process: settings, `--help`, exit code. */
import type { Logger } from 'pino';
import { describeError, isSluiceError } from '../src/errors/sluice-error';
import { runWorkers, type WorkerRole } from './run-workers';
import { readSettings, SETTING_NAMES, type WorkerSettings } from './settings';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

export function main(createRoles: (settings: WorkerSettings, log: Logger) => readonly WorkerRole[]): void {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(
      `Runs until SIGTERM or SIGINT. Takes TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE … and\n  ${SETTING_NAMES.join('\n  ')}\n` +
        'Each is described in docs/configuration.md.\n',
    );
    return;
  }
  run(createRoles).catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = isSluiceError(error) && error.code === 'USAGE' ? EXIT_USAGE : EXIT_FAILED;
  });
}

async function run(createRoles: (settings: WorkerSettings, log: Logger) => readonly WorkerRole[]): Promise<void> {
  const settings = readSettings(process.env);
  await runWorkers(settings, (log) => createRoles(settings, log));
}
