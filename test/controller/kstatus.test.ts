/** Flux, `kubectl wait` of kustomize and Helm decide by the rules of kstatus for kinds that they do not know. */
import { conditionsOf, withTimes, type ObservedObject } from '../../src/controller/object-conditions';

type KStatus = 'Current' | 'InProgress' | 'Failed';

interface Written {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly observedGeneration: number;
    readonly conditions: ReadonlyArray<{ readonly type: string; readonly status: string }>;
  };
}

/** The rules, in their order: generation, Reconciling, Stalled, Ready. Without any of them an object is Current. */
function kstatusOf({ metadata, status }: Written): KStatus {
  if (status === undefined) return 'Current';
  if (status.observedGeneration !== metadata.generation) return 'InProgress';
  const is = (type: string, wanted: string): boolean =>
    status.conditions.some((condition) => condition.type === type && condition.status === wanted);
  if (is('Reconciling', 'True')) return 'InProgress';
  if (is('Stalled', 'True')) return 'Failed';
  return is('Ready', 'False') || is('Ready', 'Unknown') ? 'InProgress' : 'Current';
}

function written(observed: Partial<ObservedObject>, observedGeneration = 2): Written {
  const verdicts = conditionsOf({ kind: 'Sensor', generation: 2, result: { kind: 'applied' }, ...observed });
  const conditions = withTimes(verdicts, [], '2026-01-01T00:00:00Z');
  return { metadata: { generation: 2 }, status: { observedGeneration, conditions } };
}

const PROBLEM = { severity: 'error', file: '', object: 'Sensor/a', path: 'spec.triggers', message: 'missing' } as const;

describe('kstatus, which Flux goes by', () => {
  it('takes an object for current once it was observed to read', () => {
    expect(kstatusOf(written({ seen: { state: 'Ready' } }))).toBe('Current');
  });

  it.each([
    ['connects', { seen: { state: 'Connecting' } }],
    ['is not ready', { seen: { state: 'NotReady', reason: 'the bus is away' } }],
    ['is paused', { seen: { state: 'Paused' } }],
    ['could not be applied yet', { result: { kind: 'failed', message: 'no worker' } }],
  ] as const)('waits for an object that %s', (_what, observed) => {
    expect(kstatusOf(written(observed))).toBe('InProgress');
  });

  it('waits for a change that the controller has not seen', () => {
    expect(kstatusOf(written({ seen: { state: 'Ready' } }, 1))).toBe('InProgress');
  });

  it('fails at once for an invalid manifest, because waiting cannot help', () => {
    const observed = { result: { kind: 'faulty', problems: [PROBLEM] }, seen: { state: 'Ready' } } as const;
    expect(kstatusOf(written(observed))).toBe('Failed');
  });
});
