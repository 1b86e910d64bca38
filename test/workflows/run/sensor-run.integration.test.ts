import Redis from 'ioredis';
import { startRedis } from '../../../dev/servers';
import { eventually } from '../../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../../setup/test-namespace';
import { startArgoControllerStandIn, type ArgoControllerStandIn } from '../../../dev/argo-controller-stand-in';
import { sensorRef } from '../../../src/contract/identity';
import { eventKey } from '../../../src/event/cloud-event';
import { STATE_ATTRIBUTE } from '../../../src/contract/search-attributes';
import { firesQuery } from '../../../src/contract/run-messages';
import type { JsonObject } from '../../../src/event/json';
import { openWorld, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';
import { currentDetails, readableHistory, summariesOf } from '../what-people-see';

const BY = { by: 'ada', why: 'the quota was raised' };

interface ArgoWorkflow {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly arguments?: { readonly parameters?: ReadonlyArray<{ name: string; value: string }> } };
}

function workflowTrigger(fields: JsonObject = {}, annotations: JsonObject = {}): JsonObject {
  return {
    template: {
      name: 'detect',
      k8s: {
        operation: 'create',
        source: {
          resource: {
            apiVersion: 'argoproj.io/v1alpha1',
            kind: 'Workflow',
            metadata: { generateName: 'water-', annotations },
            spec: {
              entrypoint: 'main',
              arguments: { parameters: [{ name: 'scene', value: 'none' }] },
              templates: [{ name: 'main', container: { image: 'alpine', command: ['true'] } }],
            },
          },
        },
        parameters: [{ src: { dependencyName: 'a', dataKey: 'name' }, dest: 'spec.arguments.parameters.0.value' }],
      },
    },
    ...fields,
  };
}

describe('a run', () => {
  let world: SluiceWorld;
  let namespace: TestNamespace;
  let controller: ArgoControllerStandIn;
  let stage: Stage;

  beforeAll(async () => {
    world = await openWorld();
    controller = await startArgoControllerStandIn({ kubernetes: world.kubernetes, durationMs: 100 });
  });
  afterAll(async () => {
    await controller.stop();
    await world.close();
  });
  beforeEach(async () => {
    namespace = await createTestNamespace(world.kubernetes, 'run');
    stage = new Stage(world, { namespace: namespace.name });
  });
  afterEach(async () => {
    await stage.remove();
    await namespace.remove();
  });

  async function workflows(): Promise<readonly ArgoWorkflow[]> {
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace.name}/workflows`;
    const { body } = await namespace.api.expect('GET', path);
    return (body as { items: ArgoWorkflow[] }).items;
  }

  it('creates one marked Workflow and completes with its outcome', async () => {
    await stage.apply({ triggers: [workflowTrigger()] });
    await stage.publish(stage.event('a', 'scene-1'));
    const run = await stage.onlyRun();
    expect(run.workflowId).toBe(`run/${namespace.name}/water/${stage.source}/a-scene-1`);
    expect(await run.result()).toMatchObject({
      state: 'Succeeded',
      fires: [
        { trigger: 'detect', attempts: 1, outcome: { phase: 'Succeeded' }, events: [`${stage.source}/a-scene-1`] },
      ],
    });
    const [workflow, ...others] = await workflows();
    expect(others).toHaveLength(0);
    const [fire] = await run.query(firesQuery);
    expect(workflow?.spec.arguments?.parameters).toEqual([{ name: 'scene', value: 'scene-1' }]);
    expect(workflow?.metadata.labels).toMatchObject({
      'events.argoproj.io/sensor': 'water',
      'events.argoproj.io/trigger': 'detect',
    });
    expect(Object.values(workflow?.metadata.annotations ?? {})).toEqual(
      expect.arrayContaining([fire?.id, run.workflowId]),
    );
    const { typedSearchAttributes } = await run.describe();
    expect(typedSearchAttributes.get(STATE_ATTRIBUTE)).toBe('Succeeded');
    expect(typedSearchAttributes.getAll().map(({ value }) => value)).toEqual(
      expect.arrayContaining([sensorRef(namespace.name, 'water'), stage.source, ['detect']]),
    );
  });

  it('fails with the outcome of its Workflow', async () => {
    const behaviour = { 'stand-in.sluice.dev/outcome': 'Failed', 'stand-in.sluice.dev/message': 'no water here' };
    await stage.apply({ triggers: [workflowTrigger({}, behaviour)] });
    await stage.publish(stage.event('a', 'scene-1'));
    const run = await stage.onlyRun();
    await expect(run.result()).rejects.toMatchObject({ cause: { type: 'RUN_FAILED' } });
    expect(await currentDetails(run)).toContain('no water here');
    expect((await run.describe()).typedSearchAttributes.get(STATE_ATTRIBUTE)).toBe('Failed');
  });

  it('retries writing its outcome to Redis until it succeeds, and never shows the password', async () => {
    const redis = await startRedis({ password: 'right-one' });
    const variable = `SLUICE_SECRET_${namespace.name.toUpperCase().replaceAll('-', '_')}_PASSWORD`;
    try {
      process.env[variable] = 'wrong-one';
      const withSecret = (name: string) => ({
        triggers: [workflowTrigger()],
        annotations: {
          'sluice.io/outcome-redis': `${redis.host}:${redis.port}`,
          'sluice.io/outcome-redis-password-secret': `${name}/password`,
        },
      });
      await stage.apply(withSecret('not-there'));
      await stage.publish(stage.event('a', 'scene-1'));
      const run = await stage.onlyRun();
      const problem = async (code: string): Promise<string> =>
        eventually(async () => {
          const { raw } = await run.describe();
          const failures = raw.pendingActivities?.map(({ lastFailure }) => lastFailure) ?? [];
          return failures.find((failure) => failure?.applicationFailureInfo?.type === code)?.message ?? undefined;
        });
      expect(await problem('SECRET_MISSING')).toContain(`${namespace.name}/not-there`);
      // A person corrects the annotation, and then the Secret.
      await stage.configure(withSecret(namespace.name));
      expect(await problem('OUTCOME_REFUSED')).toContain('sluice.io/outcome-redis-password-secret');
      process.env[variable] = 'right-one';
      expect(await run.result()).toMatchObject({ state: 'Succeeded' });
      const client = new Redis(redis.url);
      expect(await client.xlen('WATERBODIES')).toBe(1);
      client.disconnect();
      expect(await readableHistory(run)).not.toMatch(/(right|wrong)-one/);
    } finally {
      delete process.env[variable];
      await redis.stop();
    }
  });

  it('parks a fire that the API server rejects, shows the reason, and fires the applied sensor on retrigger', async () => {
    const broken = workflowTrigger();
    const source = { resource: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'Not A Name' } } };
    const refused = { template: { name: 'detect', k8s: { operation: 'create', source } } };
    await stage.apply({ triggers: [refused] });
    await stage.publish(stage.event('a', 'scene-1'));
    const run = await stage.onlyRun('Parked');
    expect(await stage.fires(run)).toMatchObject([{ state: 'Parked', failure: { retryable: false }, attempts: 1 }]);
    const details = await currentDetails(run);
    expect(details).toContain('KUBERNETES_REFUSED');
    expect(details).toContain('Not A Name');

    await stage.configure({ triggers: [broken] });
    // As typed by a person: temporal workflow signal --name retrigger --input '{"by": …, "why": …}'
    await run.signal('retrigger', BY);
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 2 }] });
    expect(await currentDetails(run)).toContain(`retriggered by "${BY.by}" (unverified): ${BY.why}`);
    expect(await workflows()).toHaveLength(1);
  });

  it('rejects a signal without by and why', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    stage.answerNext('t', [{ status: 400 }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Parked');
    await run.signal('discard');
    await run.signal('retrigger', {});
    expect(await currentDetails(run)).toMatch(/discard refused[^]*retrigger refused/);
    expect(await stage.fires(run)).toMatchObject([{ state: 'Parked' }]);
    await run.signal('discard', BY);
    expect(await run.result()).toMatchObject({ state: 'Discarded' });
  });

  it('discards only parked fires, not fires that fail later', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    stage.answerNext('t', [{ status: 503, headers: { 'retry-after': '1' } }, { status: 400 }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Firing');
    await run.signal('discard', BY);
    expect(await (await stage.onlyRun('Parked')).query(firesQuery)).toMatchObject([{ state: 'Parked' }]);
    await run.signal('retrigger', BY);
    expect(await run.result()).toMatchObject({ state: 'Succeeded' });
  });

  it('fails if no operator acts on a parked fire in time', async () => {
    await stage.apply({
      annotations: { 'sluice.io/park-for': '1s' },
      triggers: [stage.httpTrigger('t', ['a'])],
    });
    stage.answerNext('t', [{ status: 400 }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    await expect(run.result()).rejects.toMatchObject({
      cause: { type: 'RUN_FAILED', message: expect.stringContaining('no operator decided within 1 s') as string },
    });
    expect(await stage.fires(run)).toMatchObject([{ state: 'Failed' }]);
    expect(await currentDetails(run)).toContain('no operator');
  });

  it('retries a transient failure in an activity that names trigger and event, after the requested delay', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    stage.answerNext('t', [{ status: 503, headers: { 'retry-after': '3' } }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 2 }] });
    const [first, second] = stage.requests();
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(3_000);
    expect(first?.headers['idempotency-key']).toBe(second?.headers['idempotency-key']);
    expect(await summariesOf(run)).toContainEqual(`t ← a-1`);
  });

  it('sends many fires of a trigger by one activity, and retries only the one that failed', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `${index}`);
    await stage.publish(...names.map((name) => stage.event('a', name)));
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', 'handled'));
    await stage.bodies(1);
    // Listeners make such calls themselves; those of a replay are made by its runs.
    stage.answerNext('t', [{ status: 503, headers: { 'retry-after': '1' } }]);
    const from = new Date(0).toISOString();
    await stage.replay({ ...BY, from, dryRun: false, again: false });
    const bodies = (await stage.bodies(42)).slice(1);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(40);
    const runIds = (await stage.runIds()).filter((id) => !id.endsWith('a-handled'));
    const runs = runIds.map((id) => world.client.workflow.getHandle(id));
    await Promise.all(runs.map((run) => run.result()));
    const fires = (await Promise.all(runs.map((run) => stage.fires(run)))).flat();
    expect(fires.map(({ state }) => state)).toEqual(names.map(() => 'Succeeded'));
    expect(fires.filter(({ attempts }) => attempts === 2)).toHaveLength(1);
    // A replay may cut them into two runs.
    const summaries = (await Promise.all(runs.map(summariesOf))).flat();
    const shared = summaries
      .flatMap((summary) => /^first attempt of (\d+) fires$/.exec(summary)?.[1] ?? [])
      .map(Number);
    const alone = summaries.filter((summary) => /^t ← a-\d+$/.test(summary)).length;
    expect(Math.max(...shared)).toBeLessThanOrEqual(32);
    expect(shared.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(38);
    expect(shared.length + alone).toBeLessThan(8);
  });

  it('parks after the steps of the retry strategy', async () => {
    const retryStrategy = { steps: 3, duration: '10ms' };
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'], { retryStrategy })] });
    stage.answerNext(
      't',
      Array.from({ length: 4 }, () => ({ status: 500 })),
    );
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Parked');
    expect(stage.requests()).toHaveLength(3);
    expect(await stage.fires(run)).toMatchObject([{ state: 'Parked', attempts: 3 }]);
    await run.terminate();
  });

  it('sends a permanent failure to the dead-letter trigger', async () => {
    const dlqTrigger = stage.httpTrigger('dead', ['a']);
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'], { dlqTrigger, retryStrategy: { steps: 1 } })] });
    stage.answerNext('t', [{ status: 500 }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    await expect(run.result()).rejects.toThrow();
    expect(await stage.bodies(1, 'dead')).toEqual([{ a: '1' }]);
    expect(await stage.fires(run)).toMatchObject([{ state: 'DeadLettered' }]);
  });

  it('sends one fire of several to its dead-letter trigger, without affecting the others', async () => {
    const dlqTrigger = stage.httpTrigger('dead', ['a']);
    const retryStrategy = { steps: 1 };
    await stage.apply({
      triggers: [stage.httpTrigger('t', ['a'], { dlqTrigger, retryStrategy }), stage.httpTrigger('other', ['a'])],
    });
    stage.answerNext('t', [{ status: 500 }]);
    await stage.publish(stage.event('a', '1'));
    expect(await stage.bodies(1, 'dead')).toEqual([{ a: '1' }]);
    const run = await stage.onlyRun('Failed');
    expect(await stage.fires(run)).toMatchObject([
      { trigger: 't', state: 'DeadLettered' },
      { trigger: 'other', state: 'Succeeded' },
    ]);
  });

  it('keeps an exact rate limit over two workers', async () => {
    const second = await world.startWorker();
    await stage.apply({
      triggers: [stage.httpTrigger('t', ['a'], { rateLimit: { unit: 'Second', requestsPerUnit: 3 } })],
    });
    await stage.publish(...Array.from({ length: 9 }, (_, index) => stage.event('a', `${index}`)));
    await stage.bodies(9);
    const { places } = await (
      await stage.bus()
    ).updateShared<{ readonly places: Readonly<Record<string, number>> }>(
      'rate-limits',
      `${stage.namespace}.${stage.sensor}.t`,
      (before) => before,
    );
    const starts = Object.values(places).sort((a, b) => a - b);
    expect(starts).toHaveLength(9);
    for (const [index, start] of starts.slice(3).entries()) {
      expect(start - (starts[index] ?? 0)).toBeGreaterThanOrEqual(1_000);
    }
    for (const { at, headers } of stage.requests()) {
      expect(at).toBeGreaterThanOrEqual(places[String(headers['idempotency-key'])] ?? Infinity);
    }
    await second.stop();
  });

  it('waits for the labels that a policy names', async () => {
    const policy = {
      k8s: { labels: { ready: 'yes' }, errorOnBackoffTimeout: true, backoff: { steps: 50, duration: '100ms' } },
    };
    const source = { resource: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'result' } } };
    await stage.apply({ triggers: [{ template: { name: 'make', k8s: { operation: 'create', source } }, policy }] });
    await stage.publish(stage.event('a', '1'));
    const path = `/api/v1/namespaces/${namespace.name}/configmaps/result`;
    const made = await eventually(async () => {
      const { status, body } = await namespace.api.expect('GET', path, undefined, [404]);
      return status === 200 ? (body as JsonObject & { metadata: JsonObject & { labels: JsonObject } }) : undefined;
    });
    const run = await stage.onlyRun('Firing');
    const labels = { ...made.metadata.labels, ready: 'yes' };
    await namespace.api.expect('PUT', path, { ...made, metadata: { ...made.metadata, labels } });
    expect(await run.result()).toMatchObject({ state: 'Succeeded' });
  });

  it('gets a linked successor with a new object and edited values when it is retriggered after its end', async () => {
    await stage.apply({ triggers: [workflowTrigger()] });
    await stage.publish(stage.event('a', 'scene-1'));
    const run = await stage.onlyRun();
    await run.result();
    const overrides = { 'spec.arguments.parameters.0.value': 'scene-2' };
    const request = { ...BY, runId: run.workflowId, overrides, again: true };
    const [successor] = await stage.handle.executeUpdate<string[], [typeof request]>('retrigger', { args: [request] });
    expect(successor).toContain(run.workflowId);
    const again = world.client.workflow.getHandle(successor ?? '');
    expect(await again.result()).toMatchObject({ state: 'Succeeded' });
    expect(await currentDetails(again)).toContain(run.workflowId);
    const made = await workflows();
    expect(new Set(made.map(({ metadata }) => metadata.name)).size).toBe(2);
    expect(made.map(({ spec }) => spec.arguments?.parameters?.[0]?.value).sort()).toEqual(['scene-1', 'scene-2']);
  });

  it('retriggers only unsuccessful fires, and once, however often and by which name it is requested', async () => {
    await stage.apply({
      annotations: { 'sluice.io/park-for': '1s' },
      triggers: [stage.httpTrigger('t', ['a']), stage.httpTrigger('u', ['a'])],
    });
    stage.answerNext('t', [{ status: 400 }]);
    const event = stage.event('a', '1');
    await stage.publish(event);
    const { workflowId: runId } = await stage.onlyRun('Failed');
    const ask = async (request: object): Promise<string[]> =>
      await stage.handle.executeUpdate<string[], [object]>('retrigger', { args: [{ ...BY, ...request }] });
    const refusal = (message: string) => ({
      cause: { type: 'RETRIGGER_REFUSED', message: expect.stringContaining(message) as string },
    });

    const [successor = ''] = await ask({ runId });
    expect(await world.client.workflow.getHandle(successor).result()).toMatchObject({ fires: [{ trigger: 't' }] });
    await expect(ask({ runId })).rejects.toMatchObject(
      refusal(`already by "ada" (unverified) (${BY.why}), as ${successor}`),
    );
    await expect(ask({ runId: successor })).rejects.toMatchObject(refusal('have succeeded'));
    await eventually(async () => (await stage.runIds('Succeeded')).includes(successor));
    await expect(ask({ eventId: eventKey(event) })).rejects.toMatchObject(refusal('have succeeded'));
    expect([stage.requests('t').length, stage.requests('u').length]).toEqual([2, 1]);

    const everything = await ask({ eventId: eventKey(event), again: true });
    expect(everything).toHaveLength(2);
    for (const id of everything) await world.client.workflow.getHandle(id).result();
    expect([stage.requests('t').length, stage.requests('u').length]).toEqual([3, 2]);
  });

  it('is not started twice while it is open, and not by another sensor', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    stage.answerNext('t', [{ status: 503, headers: { 'retry-after': '60' } }]);
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    await eventually(() => stage.requests().length === 1);
    const ask = (runId: string) => stage.handle.executeUpdate('retrigger', { args: [{ ...BY, runId }] });
    await expect(ask(run.workflowId)).rejects.toMatchObject({
      cause: { type: 'RETRIGGER_REFUSED', message: expect.stringContaining('it is Firing') as string },
    });
    for (const stranger of [run.workflowId.replace('/water/', '/other/'), stage.handle.workflowId]) {
      await expect(ask(stranger)).rejects.toMatchObject({
        cause: { type: 'RUN_UNKNOWN', message: expect.stringContaining('is not a run of sensor') as string },
      });
    }
    expect(stage.requests()).toHaveLength(1);
    await run.terminate();
  });

  it('survives, like its sensor, a request to retrigger an unknown fire', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.handle.signal('retrigger', { ...BY, runId: 'run/nowhere/at/all' });
    await stage.handle.signal('retrigger', {});
    await eventually(async () => (await stage.status()).refusals?.length === 2);
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    const nameless = stage.handle.executeUpdate('retrigger', { args: [{ runId: 'x' }] });
    await expect(nameless).rejects.toMatchObject({ cause: { type: 'USAGE' } });
    const nowhere = stage.handle.executeUpdate('retrigger', { args: [{ ...BY, runId: 'run/nowhere/at/all' }] });
    // What the dialog of the Temporal UI shows: the reason itself, not that an activity failed.
    await expect(nowhere).rejects.toMatchObject({
      cause: { type: 'RUN_UNKNOWN', message: expect.stringContaining('run/nowhere/at/all') as string },
    });
  });

  it('continues if its sensor rejects a pause or resume without by', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.handle.signal('pause', {});
    await stage.handle.signal('pause', 'please');
    await eventually(async () => (await stage.status()).refusals?.length === 2);
    expect((await stage.status()).paused).toBeUndefined();
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    await stage.handle.signal('pause', BY);
    await stage.handle.signal('resume', {});
    await eventually(async () => (await stage.status()).refusals?.length === 3);
    expect((await stage.status()).paused).toMatchObject(BY);
    expect(await currentDetails(stage.handle)).toMatch(/refused.* resume: /);
  });
});

describe('a run whose API server is away', () => {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld({ kubernetes: { own: true } });
  });
  afterAll(() => world.close());

  it('fires once it is back', async () => {
    const namespace = await createTestNamespace(world.kubernetes, 'away');
    const stage = new Stage(world, { namespace: namespace.name });
    const source = { resource: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'scene-' } } };
    await stage.apply({ triggers: [{ template: { name: 'make', k8s: { operation: 'create', source } } }] });
    await world.kubernetes.stopKeepingData();
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    await eventually(async () => (await stage.fires(run))[0]?.state === 'Retrying');
    expect(await currentDetails(run)).toContain('KUBERNETES_UNREACHABLE');
    await world.kubernetes.restart();
    expect(await run.result()).toMatchObject({ state: 'Succeeded' });
    await stage.remove();
    await namespace.remove();
  });
});

describe('a sensor whose bus is away', () => {
  it('continues to handle signals, and can be paused and deleted', async () => {
    const world = await openWorld();
    try {
      const stage = new Stage(world);
      await world.nats.stopKeepingData();
      await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
      const observe = async (name: string): Promise<void> => {
        const event = stage.event(name, '1');
        await stage.handle.signal('observe', { observations: [{ dependency: name, event, receivedAt: Date.now() }] });
      };
      await observe('a');
      await stage.holdsEvents('a-1');
      await stage.handle.signal('pause', BY);
      await eventually(async () => {
        const { raw } = await stage.handle.describe();
        return !(raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'sluiceListen');
      });
      await observe('b');
      expect(await stage.bodies(1)).toEqual([{ a: '1', b: '1' }]);
      await world.nats.restart();
      await stage.handle.signal('delete', BY);
      await stage.handle.result();
    } finally {
      await world.close();
    }
  });
});
