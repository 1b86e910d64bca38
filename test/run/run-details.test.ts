import type { CloudEvent } from '../../src/event/cloud-event';
import { describeRun } from '../../src/run/run-details';
import { RunLedger } from '../../src/run/run-ledger';
import type { FireResult } from '../../src/run/run-types';

const sensor = { namespace: 'eo', name: 'water' };
const object: FireResult = {
  kind: 'object',
  action: 'create',
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: 'wb-1', uid: 'u1' },
  existed: false,
};

const EVENTS = ['a', 'b', 'c'].map((letter): CloudEvent => ({
  ...{ specversion: '1.0', id: letter.repeat(150), source: 'scenes', type: 'redis', subject: 'scene' },
  ...{ datacontenttype: 'application/json', time: '2026-01-01T00:00:00Z', data: {} },
}));

function ledgerOf(count: number): RunLedger {
  const ids = Array.from({ length: count }, (_, index) => `f${index}`);
  return new RunLedger(
    ids.map((id) => ({ id, trigger: 'detect|all', dependencies: { scene: [0, 1, 2] } })),
    EVENTS,
  );
}

describe('the details panel of a run', () => {
  it('links the created Workflow to the Argo UI when there is one', () => {
    const ledger = ledgerOf(2);
    ledger.fired('f0', 1, { ...object, link: 'https://argo.example/workflows/eo/wb-1?uid=u1' }, true);
    ledger.fired('f1', 1, object, true);
    const text = describeRun({ sensor }, ledger, []);
    expect(text).toContain('made [Workflow `eo/wb-1`](https://argo.example/workflows/eo/wb-1?uid=u1)');
    expect(text).toContain('made Workflow `eo/wb-1`');
  });

  it('shows what needs a person first and says how to decide', () => {
    const ledger = ledgerOf(3);
    ledger.fired('f0', 1, object, false);
    ledger.failed('f2', 1, { code: 'KUBERNETES_REFUSED', message: 'quota', retryable: false }, 'Parked');
    const rows = describeRun({ sensor }, ledger, [])
      .split('\n')
      .filter((line) => line.startsWith('- **'));
    expect(rows[0]).toContain('KUBERNETES_REFUSED: quota');
    expect(describeRun({ sensor }, ledger, [])).toContain('send signal `retrigger` or `discard`');
    const later = { code: 'TRIGGER_REFUSED', message: 'no', retryable: false } as const;
    ledger.failed('f1', 1, later, 'Parked', '2026-02-02T00:00:00.000Z');
    ledger.failed('f2', 1, later, 'Parked', '2026-02-01T00:00:00.000Z');
    expect(describeRun({ sensor }, ledger, [])).toContain('Parked until 2026-02-01T00:00:00.000Z, when it fails');
  });

  it('names the run that it fires again, who wanted it, why, and with which values', () => {
    const retriggerOf = { runId: 'run/eo/water/k', by: 'ada', why: 'new model', overrides: { 'spec.priority': 3 } };
    expect(describeRun({ sensor, retriggerOf }, ledgerOf(1), [])).toContain(
      'Retrigger of `run/eo/water/k` by ada: new model (with spec.priority = 3)',
    );
  });

  it('says what to do also where the failure is too long to be shown whole, and where the whole of it is', () => {
    const ledger = ledgerOf(1);
    const failure = { code: 'KUBERNETES_REFUSED', message: 'no '.repeat(400), fix: 'Raise the quota' } as const;
    ledger.failed('f0', 1, { ...failure, retryable: false }, 'Parked');
    const text = describeRun({ sensor }, ledger, []);
    expect(text).toContain('no no no');
    expect(text).toContain('`sluice runs show`');
    expect(text).toContain('Raise the quota');
    expect(text).not.toContain(failure.message.trim());
  });

  it('stays far below the 20 kB that Temporal keeps, whatever texts it is given', () => {
    const ledger = ledgerOf(100);
    for (let index = 0; index < 100; index += 1) {
      ledger.failed(
        `f${index}`,
        1,
        { code: 'KUBERNETES_REFUSED', message: 'x|\n'.repeat(500), retryable: false },
        'Parked',
      );
    }
    const text = describeRun(
      { sensor },
      ledger,
      Array.from({ length: 50 }, () => 'retriggered by a: b'),
    );
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    expect(text).toMatch(/more fires/);
  });
});
