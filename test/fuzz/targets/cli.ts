import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { EXIT_CODES } from '../../../src/cli/exit-codes';
import { startForbiddingTemporal } from '../../cli/forbidding-temporal';
import { runSluice } from '../../cli/run-cli-for-test';
import { anyText } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

/** `dev` starts servers, so it is left out. */
const COMMANDS = ['validate', 'test', 'apply', 'delete', 'list', 'status', 'pause', 'resume', 'explain', 'events', 'runs list', 'runs show', 'runs discard', 'runs', 'retrigger', 'replay', 'stac', 'setup --check', 'help', 'nonsense', '']; // prettier-ignore
const OPTIONS = ['-f', '--filename', '-n', '--sensor', '--since', '--until', '--limit', '--state', '--decision', '--why', '--by', '-o', '--strict', '--wait', '--event', '--debug', '--help', '--yes', '--dry-run', '--seq', '--set', '--trigger', '--query', '--version', '--profile', '--expect', '--rate', '--no-such']; // prettier-ignore
const VALUES = ['json', 'table', 'yaml', 'name', 'default/scenes', 'Sensor/scenes', 'sensor/x', 'eventsource/', '5', '1h', 'Parked', 'fired', 'FILE', 'FOLDER', '-']; // prettier-ignore

/** Whatever is typed: an exit code of the table, and words on a stream. */
export async function cli(): Promise<OpenTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-fuzz-'));
  const file = join(folder, 'a.yaml');
  await writeFile(
    file,
    'apiVersion: argoproj.io/v1alpha1\nkind: EventBus\nmetadata: { name: default }\nspec: { jetstream: { version: latest } }\n',
  );
  const temporal = await startForbiddingTemporal();
  const env = {
    TEMPORAL_ADDRESS: temporal.address,
    KUBECONFIG: join(folder, 'none'),
    SLUICE_BUS_URL: 'nats://127.0.0.1:1',
    NO_COLOR: '1',
  };
  const word = fc.oneof(
    fc.constantFrom(...VALUES).map((value) => (value === 'FILE' ? file : value === 'FOLDER' ? folder : value)),
    anyText,
  );
  const argument = fc.oneof(
    fc.tuple(fc.constantFrom(...OPTIONS), word).map(([option, value]) => [option, value]),
    fc.constantFrom(...OPTIONS).map((option) => [option]),
    word.map((value) => [value]),
  );
  const lines = fc
    .tuple(fc.constantFrom(...COMMANDS), fc.array(argument, { maxLength: 4 }))
    .map(([command, rest]) => [...command.split(' ').filter((part) => part !== ''), ...rest.flat()]);
  return hide({
    inputs: lines,
    async check(argv) {
      const { exitCode, stdout, stderr } = await runSluice(argv, { env });
      expectThat(Object.values(EXIT_CODES).includes(exitCode), `an exit code of the table, got ${exitCode}`);
      if (exitCode !== 0) expectThat((stdout + stderr).trim() !== '', 'words with a failure');
      if (!argv.includes('--debug'))
        expectThat(!/^\s+at .*:\d+:\d+\)?$/m.test(stderr), `no stack trace, got: ${stderr}`);
      expectThat(
        !/\bTypeError\b|\[object Object\]|Cannot read properties/.test(stderr),
        `a message for people, got: ${stderr}`,
      );
    },
    close: async () => {
      temporal.stop();
      await rm(folder, { recursive: true });
    },
  });
}
