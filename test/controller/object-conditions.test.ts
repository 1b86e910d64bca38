import type { Problem } from '../../src/manifest/problem';
import {
  conditionsOf,
  withTimes,
  type ObservedObject,
  type StatusCondition,
} from '../../src/controller/object-conditions';

const problem = (path: string): Problem => ({
  severity: 'error',
  file: 'not shown',
  line: 3,
  object: 'Sensor/scenes',
  path,
  message: 'unknown field',
  fix: 'Remove it.',
});
const observe = (observed: Partial<ObservedObject>): Record<string, string> =>
  Object.fromEntries(
    conditionsOf({ kind: 'Sensor', generation: 7, result: { kind: 'applied' }, ...observed }).map(
      ({ type, status, reason }) => [type, `${status} ${reason}`],
    ),
  );
const VALID = {
  DependenciesProvided: 'True Valid',
  TriggersProvided: 'True Valid',
  EventBusProvided: 'True EventBusFound',
};

describe('the conditions of an object', () => {
  it('report it as deployed only if it was observed to read', () => {
    expect(observe({ seen: { state: 'Ready' } })).toEqual({ ...VALID, Deployed: 'True Ready', Ready: 'True Ready' });
    expect(observe({})).toEqual({ ...VALID, Deployed: 'Unknown Pending', Ready: 'Unknown Pending' });
  });

  it.each([
    ['Connecting', 'Unknown'],
    ['Paused', 'Unknown'],
    ['Unknown', 'Unknown'],
    ['NotReady', 'False'],
    ['Stale', 'False'],
    ['Failed', 'False'],
    ['NoWorker', 'False'],
    ['Gone', 'False'],
  ] as const)('map the state %s to %s', (state, status) => {
    expect(observe({ seen: { state } })).toMatchObject({ Deployed: `${status} ${state}`, Ready: `${status} ${state}` });
  });

  it('name the dependencies whose events nothing publishes, and leave the object ready', () => {
    const result = { kind: 'applied', silent: ['dependency a waits', 'dependency b waits'] } as const;
    const seen = { state: 'Ready' } as const;
    const verdicts = conditionsOf({ kind: 'Sensor', generation: 7, result, seen });
    expect(verdicts.filter(({ message }) => message !== '')).toEqual([
      {
        ...{ type: 'DependenciesProvided', status: 'True', reason: 'Valid' },
        message: 'dependency a waits\ndependency b waits',
      },
    ]);
    expect(verdicts.find(({ type }) => type === 'Ready')?.status).toBe('True');
  });

  it('name the faulty part, and report the object as stalled', () => {
    const result = { kind: 'faulty', problems: [problem('spec.dependencies[0].filters')] } as const;
    expect(observe({ result, seen: { state: 'Ready' } })).toEqual({
      DependenciesProvided: 'False InvalidDependencies',
      TriggersProvided: 'True Valid',
      EventBusProvided: 'Unknown NotChecked',
      Deployed: 'False InvalidSpec',
      Ready: 'False InvalidDependencies',
      Stalled: 'True InvalidSpec',
    });
    expect(observe({ kind: 'EventBus', result })).toMatchObject({ Configured: 'False InvalidSpec' });
    expect(observe({ kind: 'EventSource', result })).toMatchObject({ SourcesProvided: 'False InvalidEventSource' });
  });

  it('report the problem of a faulty object in the words of validate, and that the last version runs', () => {
    const result = { kind: 'faulty', problems: [problem('spec.triggers[0]')] } as const;
    const message = (seen?: ObservedObject['seen']): string | undefined =>
      conditionsOf({ kind: 'Sensor', generation: 7, result, seen }).find(({ type }) => type === 'Deployed')?.message;
    const words = 'error: Sensor/scenes spec.triggers[0]: unknown field\n    fix:      Remove it.';
    expect(message({ state: 'Ready' })).toBe(
      `generation 7 is not valid; the version applied before is Ready\n${words}`,
    );
    expect(message()).toBe(`generation 7 is not valid\n${words}`);
  });

  it('name a missing bus, for which the object waits without being stalled', () => {
    const result = { kind: 'waiting', problems: [problem('spec.eventBusName')] } as const;
    expect(observe({ result })).toEqual({
      ...VALID,
      EventBusProvided: 'False EventBusNotFound',
      Deployed: 'False EventBusNotFound',
      Ready: 'False EventBusNotFound',
    });
  });

  it('say nothing of an object that is no longer selected', () => {
    const unknown = 'Unknown NotSelected';
    expect(observe({ result: { kind: 'pending', reason: 'NotSelected' } })).toEqual({
      DependenciesProvided: unknown,
      TriggersProvided: unknown,
      EventBusProvided: unknown,
      Deployed: unknown,
      Ready: unknown,
    });
  });

  it('distinguish a failed attempt from a fault of the manifest', () => {
    const result = { kind: 'failed', message: 'No worker answers' } as const;
    const verdicts = conditionsOf({ kind: 'Sensor', generation: 7, result, seen: { state: 'Stale' } });
    expect(verdicts.find(({ type }) => type === 'Deployed')).toEqual({
      type: 'Deployed',
      status: 'False',
      reason: 'ApplyFailed',
      message: 'No worker answers; the version applied before is Stale',
    });
    expect(observe({ result })).not.toHaveProperty('Stalled');
  });
});

describe('the time of a condition', () => {
  const former: StatusCondition = {
    ...{ type: 'Deployed', status: 'False', reason: 'NotReady', message: 'a' },
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const now = '2026-01-02T00:00:00Z';

  it('stays while its status stays, and is now when that changes', () => {
    const [same] = withTimes([{ type: 'Deployed', status: 'False', reason: 'Stale', message: 'b' }], [former], now);
    expect(same).toMatchObject({ reason: 'Stale', message: 'b', lastTransitionTime: former.lastTransitionTime });
    const [changed] = withTimes([{ type: 'Deployed', status: 'True', reason: 'Ready', message: '' }], [former], now);
    expect(changed?.lastTransitionTime).toBe(now);
  });
});
