/** In processes of their own: the event loop of a test runner is not to be blocked. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

interface Report {
  readonly stage: string;
  readonly activity?: string;
  readonly blockedMs: number;
}

/** Watches the event loop while `work` runs. Returns what was logged and counted. */
function watched(work: string): { logged: readonly Report[]; counted: readonly string[] } {
  const program = `
    const { watch } = require(${JSON.stringify(join(repoRoot, 'dist/src/plugin/event-loop-watch.js'))});
    const { inActivity, inStage } = require(${JSON.stringify(join(repoRoot, 'dist/src/metrics/stages.js'))});
    const { setTimeout: sleep } = require('node:timers/promises');
    const counted = [];
    const logged = [];
    const count = (_name, { stage }, value = 1) => { if (value > 0) counted.push(stage); };
    watch({ log: { warn: (fields) => logged.push(fields) }, metrics: { count } });
    const block = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
    (async () => {
      await sleep(200);
      ${work}
      await sleep(200);
      console.log(JSON.stringify({ logged, counted }));
    })();
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', cwd: repoRoot });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as ReturnType<typeof watched>;
}

describe('the watch of the event loop', () => {
  it('names the stage and the activity that blocked it', () => {
    const { logged, counted } = watched(`
      await inActivity('sluiceListen of sensor/argo/items', async () => {
        await sleep(1);
        inStage('bus message', () => block(2_000));
      });
    `);
    expect(counted).toContain('bus message');
    const report = logged.find(({ stage }) => stage === 'bus message');
    expect(report).toMatchObject({ activity: 'sluiceListen of sensor/argo/items' });
    expect(report?.blockedMs).toBeGreaterThan(1_500);
  });

  it('reports an unknown cause rather than a stage that took a small part', () => {
    const { logged } = watched(`
      inStage('webhook body', () => block(5));
      block(2_000);
    `);
    const [longest] = [...logged].sort((a, b) => b.blockedMs - a.blockedMs);
    expect(longest?.stage).toBe('unknown');
    expect(longest?.activity).toBeUndefined();
  });

  it('counts every block and logs one of each kind', () => {
    const { logged, counted } = watched(`
      for (let i = 0; i < 3; i += 1) {
        inStage('Redis message', () => block(1_000));
        await sleep(120);
      }
    `);
    expect(counted.filter((stage) => stage === 'Redis message')).toHaveLength(3);
    expect(logged.filter(({ stage }) => stage === 'Redis message')).toHaveLength(1);
  });

  it('does not keep the process alive, and rethrows errors of a stage', () => {
    expect(() => watched(`try { inStage('webhook body', () => { throw new Error('no'); }); } catch {}`)).not.toThrow();
  });
});
