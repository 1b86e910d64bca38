import type { BegunAttempt } from '../../activities/listener/attempt-runner';
import { withAttempts } from '../../activities/listener/first-attempts';
import { UnrecordedAttempts, type MadeAttempt } from '../../activities/listener/unrecorded-attempts';
import type { FireResult } from '../../src/contract/fires';
import type { RunStart } from '../../src/contract/run-start';

const object: FireResult = {
  kind: 'object',
  action: 'create',
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: 'a', uid: 'u' },
  existed: false,
};
const timed = { at: '2026-01-01T00:00:00.000Z', tookMs: 4 };
const made = (fireId: string, runId: string, result: FireResult | undefined = object): MadeAttempt => ({
  attempt: { fireId, ...timed, ...(result && { result }) },
  runId,
  kind: 'repeatable',
});
const run = (workflowId: string, ...fireIds: readonly string[]): RunStart => ({
  workflowId,
  input: {
    sensor: { namespace: 'eo', name: 'water' },
    events: [],
    fires: fireIds.map((id) => ({ id, trigger: 't', dependencies: {} })),
    triggers: {},
    options: { parkForMs: 1, followOutcome: true },
    bus: { namespace: 'eo', name: 'default', spec: {} },
  },
  searchAttributes: [],
  summary: '',
});

describe('a run with a first attempt of the listener', () => {
  const attempts = new Map(
    [made('one', 'run/eo/water/together'), made('two', 'run/eo/water/together')].map((one) => [
      one.attempt.fireId,
      one,
    ]),
  );

  it('carries the results of its own fires', () => {
    const { listenerAttempts } = withAttempts(run('run/eo/water/together', 'one', 'three'), attempts, '7@node').input;
    expect(listenerAttempts).toEqual({ worker: '7@node', attempts: [{ fireId: 'one', ...timed, result: object }] });
  });

  it('polls the outcome itself if its Workflow names the run that it was split from', () => {
    const { listenerAttempts } = withAttempts(run('run/eo/water/cut', 'two'), attempts, '7@node').input;
    expect(listenerAttempts?.attempts).toMatchObject([{ fireId: 'two', result: { existed: true } }]);
  });

  it('names the calls that have no response yet', () => {
    const call = { fireId: 'three', at: timed.at, until: '2026-01-01T00:01:00.000Z' };
    const begun = new Map<string, BegunAttempt>([...attempts, ['three', { call, runId: 'run/eo/water/together' }]]);
    const { listenerAttempts } = withAttempts(run('run/eo/water/together', 'three'), begun, '7@node').input;
    expect(listenerAttempts).toEqual({ worker: '7@node', attempts: [], underWay: [call] });
  });

  it('is unchanged if nothing was attempted', () => {
    const start = run('run/eo/water/other', 'three');
    expect(withAttempts(start, attempts, '7@node')).toBe(start);
  });
});

describe('objects of runs that Temporal did not accept', () => {
  it('are remembered until the run is started; failed attempts that may be repeated are not', () => {
    const unrecorded = new UnrecordedAttempts();
    unrecorded.keep('one', made('one', 'run/eo/water/1'));
    const failed = { attempt: { fireId: 'failed', ...timed }, runId: 'run/eo/water/1' };
    unrecorded.keep('failed', { ...failed, kind: 'repeatable' });
    unrecorded.keep('failed request', { ...failed, kind: 'noted' });
    expect(unrecorded.get('one')).toMatchObject({ attempt: { result: { existed: true } } });
    expect(unrecorded.get('failed')).toBeUndefined();
    expect(unrecorded.get('failed request')).toBeDefined();
    unrecorded.forget('one');
    expect(unrecorded.get('one')).toBeUndefined();
  });

  it('are bounded: the oldest entry is dropped, and its object is found by its name', () => {
    const unrecorded = new UnrecordedAttempts();
    for (let index = 0; index <= 10_000; index += 1) unrecorded.keep(`${index}`, made(`${index}`, 'run'));
    expect(unrecorded.get('0')).toBeUndefined();
    expect(unrecorded.get('10000')).toBeDefined();
  });
});
