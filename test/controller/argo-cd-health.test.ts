/** The health check of docs/kubernetes.md, run by the Lua that Argo CD has: gopher-lua. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import { conditionsOf, withTimes, type ObservedObject } from '../../src/controller/object-conditions';
import { toJson } from '../../src/event/json';
import { valueOf } from '../../src/event/json-text';
import { createExpressionEngine } from '../../src/expressions';

const engine = createExpressionEngine({ timeLimitMs: 10_000 });
afterAll(() => engine.close());

function readCheck(): string {
  const page = readFileSync(join(repoRoot, 'docs/kubernetes.md'), 'utf8');
  const [, block = ''] = /```yaml\n([^`]*argocd-cm[^`]*)```/.exec(page) ?? [];
  const { data } = parse(block) as { data: Record<string, string> };
  const checks = parse(data['resource.customizations'] ?? '') as Record<string, { 'health.lua': string }>;
  expect(Object.keys(checks).sort()).toEqual(['argoproj.io/EventBus', 'argoproj.io/EventSource', 'argoproj.io/Sensor']);
  return checks['argoproj.io/EventBus']?.['health.lua'] ?? '';
}

async function assess(observed: Partial<ObservedObject>, observedGeneration = 2): Promise<unknown> {
  const verdicts = conditionsOf({ kind: 'Sensor', generation: 2, result: { kind: 'applied' }, ...observed });
  const conditions = withTimes(verdicts, [], '2026-01-01T00:00:00Z');
  return await run({ metadata: { generation: 2 }, status: { observedGeneration, conditions } });
}

async function run(object: object): Promise<unknown> {
  const script = `local obj = event\n${readCheck()}`;
  const outcome = await engine.evaluate({ kind: 'luaTransform', script, data: toJson(object) });
  return outcome.ok ? valueOf(outcome.value) : outcome;
}

describe('the health check for Argo CD', () => {
  it('treats an object as healthy if it was observed to read', async () => {
    expect(await assess({ seen: { state: 'Ready' } })).toMatchObject({ status: 'Healthy' });
  });

  it('waits for an object that is connecting, or that the controller has not seen yet', async () => {
    expect(await assess({ seen: { state: 'Connecting', reason: 'no report yet' } })).toEqual({
      status: 'Progressing',
      message: 'no report yet',
    });
    expect(await assess({ seen: { state: 'Ready' } }, 1)).toMatchObject({ status: 'Progressing' });
    expect(await run({ metadata: { generation: 1 } })).toMatchObject({ status: 'Progressing' });
  });

  it('shows the problem of a degraded one, and a paused one as suspended', async () => {
    expect(await assess({ seen: { state: 'NotReady', reason: 'the bus is away' } })).toEqual({
      status: 'Degraded',
      message: 'the bus is away',
    });
    expect(await assess({ seen: { state: 'Paused' } })).toMatchObject({ status: 'Suspended' });
  });
});
