/** `sluice setup`, and what `sluice apply` does in a namespace that is not prepared. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { startTemporal, type RunningTemporal } from '../../dev/servers';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes';
import { startForbiddingTemporal, type ForbiddingTemporal } from './forbidding-temporal';
import { jsonOf, runSluice, type CliRun } from './run-cli-for-test';

const BUS = `
apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: 'nats://127.0.0.1:4222' } }
`;

type States = Record<string, string>;

function statesOf(run: CliRun): States {
  const { searchAttributes } = jsonOf<{ searchAttributes: Array<{ name: string; state: string }> }>(run);
  return Object.fromEntries(searchAttributes.map(({ name, state }) => [name, state]));
}

function allOf(state: string): States {
  return Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, state]));
}

describe('a Temporal namespace', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-setup-'));
    file = join(folder, 'bus.yaml');
    await writeFile(file, BUS);
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe('that has one of the search attributes with another type', () => {
    let temporal: RunningTemporal;
    beforeAll(async () => {
      temporal = await startTemporal({
        ...{ own: true, headless: true },
        searchAttributes: [{ name: 'SluiceTriggers', type: 'Keyword' }],
      });
    });
    afterAll(() => temporal?.stop());
    const sluice = (...argv: readonly string[]): Promise<CliRun> => runSluice([...argv, '--address', temporal.address]);

    it('is not changed by a check, which lists missing and wrong attributes', async () => {
      for (let time = 0; time < 2; time += 1) {
        const run = await sluice('setup', '--check', '-o', 'json');
        expect(run.exitCode).toBe(1);
        expect(statesOf(run)).toEqual({ ...allOf('missing'), SluiceTriggers: 'wrong type' });
        expect(run.stderr).toMatch(/SluiceTriggers \(needed: KeywordList\).*\[TEMPORAL_NOT_PREPARED\]/s);
        expect(run.stderr).toContain('search-attribute remove --namespace default --name SluiceTriggers');
      }
    });

    it('rejects manifests until that is repaired', async () => {
      const run = await sluice('apply', '-f', file);
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toMatch(/SluiceTriggers.*\[TEMPORAL_NOT_PREPARED\]/s);
    });

    it('can then be prepared repeatedly', async () => {
      const connection = await Connection.connect({ address: temporal.address });
      await connection.operatorService.removeSearchAttributes({
        ...{ namespace: 'default', searchAttributes: ['SluiceTriggers'] },
      });
      await connection.close();
      const first = await sluice('setup', '-o', 'json');
      expect(first).toMatchObject({ exitCode: 0, stderr: '' });
      expect(Object.values(statesOf(first))).toContain('added');
      const again = await sluice('setup', '-o', 'json');
      expect(again.exitCode).toBe(0);
      expect(statesOf(again)).toEqual(allOf('registered'));
      expect((await sluice('setup', '--check')).exitCode).toBe(0);
    });
  });

  describe('whose server rejects registrations of this client', () => {
    let temporal: ForbiddingTemporal;
    beforeAll(async () => {
      temporal = await startForbiddingTemporal();
    });
    afterAll(() => temporal?.stop());

    it.each([
      ['setup', () => ['setup', '--temporal-namespace', 'prod']],
      ['apply', () => ['apply', '-f', file, '--temporal-namespace', 'prod']],
    ])('is reported by %s, with the commands for an administrator', async (_name, argv) => {
      const run = await runSluice([...argv(), '--address', temporal.address]);
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toMatch(/SluiceSensor, .* for this client: .*not yours.*\[TEMPORAL_NOT_PREPARED\]/s);
      expect(run.stderr).toContain(
        'temporal operator search-attribute create --namespace prod --name SluiceSensor --type Keyword',
      );
      expect(run.stderr).toContain('tcld namespace search-attributes add --namespace prod');
    });
  });
});
