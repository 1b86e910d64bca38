import type { CloudEvent } from '../../../src/event/cloud-event';
import { shortEventId } from '../../../src/event/short-id';
import { describeRunDetails, type DescribedRun } from '../../../src/sandbox/run/run-details';
import { RunLedger } from '../../../src/sandbox/run/run-ledger';
import type { FireResult } from '../../../src/contract/fires';

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

const surroundings = { temporalNamespace: 'prod', sensorWorkflowId: 'sensor/eo/water' };
const week = { since: '2026-01-01T08:00:00.123Z', until: '2026-01-08T08:00:00.123Z' };
const refused = { code: 'KUBERNETES_REFUSED', message: 'quota', retryable: false } as const;

function describeLedger(
  ledger: RunLedger,
  more: Partial<DescribedRun> = {},
  decisions: readonly string[] = [],
): string {
  return describeRunDetails({ sensor, ...more }, surroundings, ledger, decisions);
}

describe('the details panel of a run', () => {
  it('links the created Workflow to the Argo UI when there is one', () => {
    const ledger = ledgerOf(2);
    ledger.fired('f0', 1, { ...object, link: 'https://argo.example/workflows/eo/wb-1?uid=u1' }, true);
    ledger.fired('f1', 1, object, true);
    const text = describeLedger(ledger);
    expect(text).toContain('create [Workflow `eo/wb-1`](https://argo.example/workflows/eo/wb-1?uid=u1)');
    expect(text).toContain('create Workflow `eo/wb-1`');
  });

  it('shows the attempts of the listener before the run was started: when, how long, and where', () => {
    const at = '2026-01-01T08:00:00.123Z';
    const attempts = [4, 31].map((tookMs, index) => ({ fireId: `f${index}`, at, tookMs, result: object }));
    const describeWith = (count: number): string => {
      const fires = [
        { id: 'f0', trigger: 'detect', dependencies: {} },
        { id: 'f1', trigger: 'detect', dependencies: {} },
      ];
      const early = { worker: '7@node-1', attempts: attempts.slice(0, count) };
      return describeLedger(new RunLedger(fires, EVENTS, early));
    };
    expect(describeWith(1)).toContain(
      'The listener made the first attempt before it started this run: at 2026-01-01 08:00:00 UTC, in 4 ms, on worker 7@node-1.',
    );
    expect(describeWith(2)).toContain(
      'made 2 first attempts before it started this run: since 2026-01-01 08:00:00 UTC, in 4 to 31 ms',
    );
    expect(describeWith(0)).not.toContain('listener');
  });

  it('shows the operation on an object that was not created', () => {
    const ledger = ledgerOf(1);
    ledger.fired('f0', 1, { ...object, action: 'delete' }, false);
    expect(describeLedger(ledger)).toContain('delete Workflow `eo/wb-1`');
  });

  it('shows the outcome of the Workflow: phase, duration, time, message and outputs', () => {
    const ledger = ledgerOf(1);
    ledger.fired('f0', 1, object, true);
    ledger.ended({
      ...{ fireId: 'f0', phase: 'Failed', message: 'step "detect" failed', outputs: { scenes: '12', log: '' } },
      ...{ startedAt: '2026-01-01T08:00:00Z', finishedAt: '2026-01-01T08:03:10Z' },
    });
    expect(describeLedger(ledger)).toContain(
      [
        'outcome **Failed** after 3 min 10 s, 2026-01-01 08:03:10 UTC: `step "detect" failed`',
        ...['output `scenes` = `12`', 'output `log` = empty'],
      ].join('<br>'),
    );
  });

  it('shows parked fires first: since when, until when, and the signal to send', () => {
    const ledger = ledgerOf(3);
    ledger.fired('f0', 1, object, false);
    ledger.park('f2', 1, refused, week);
    const text = describeLedger(ledger);
    const [first] = text.split('\n').filter((line) => line.startsWith('- **'));
    expect(first).toContain('KUBERNETES_REFUSED: `quota`');
    expect(first).toContain(
      'parked since 2026-01-01 08:00:00 UTC; fails at 2026-01-08 08:00:00 UTC unless an operator decides',
    );
    expect(text).toContain('`retrigger` fires it again: `{"by": "your name", "why": "the reason"}`');
    expect(text).toContain('`discard` gives up the parked fires: `{"by": "your name", "why": "the reason"}`');
    expect(text).not.toContain('fireId');
  });

  it('explains how to retrigger one of several parked fires', () => {
    const ledger = ledgerOf(2);
    for (const id of ['f0', 'f1']) ledger.park(id, 1, refused, week);
    const text = describeLedger(ledger);
    expect(text).toContain('`{"by": "your name", "why": "the reason", "fireId": "f0"}`');
    expect(text).toContain('fireId `f1`');
  });

  it('offers only discard for fires that can no longer be fired', () => {
    const ledger = ledgerOf(1);
    ledger.park('f0', 0, refused, week);
    const text = describeLedger(ledger, { contentMissing: 'gone' });
    expect(text).toContain('`discard` gives up');
    expect(text).not.toContain('`retrigger`');
  });

  it('links each event to all runs that carry it, if the events are few', () => {
    const short = shortEventId(`scenes/${'a'.repeat(150)}`);
    const link = `(namespaces/prod/workflows?query=SluiceEventIds%20%3D%20%27${short}%27)`;
    expect(describeLedger(ledgerOf(1))).toContain(link);
    expect(describeLedger(ledgerOf(11))).not.toContain(link);
  });

  it('says where the next attempt of a retry is shown', () => {
    const ledger = ledgerOf(1);
    ledger.failed('f0', 1, refused);
    expect(describeLedger(ledger)).toContain('**Pending Activities**');
  });

  it('gives advice even if the failure is truncated, and says where to find all of it', () => {
    const ledger = ledgerOf(1);
    const failure = { ...refused, message: 'no '.repeat(400), fix: 'Raise the quota' };
    ledger.park('f0', 1, failure, week);
    const text = describeLedger(ledger);
    expect(text).toContain('no no no');
    expect(text).toContain('`sluice runs show`');
    expect(text).toContain('Raise the quota');
    expect(text).not.toContain(failure.message.trim());
  });

  it('links to its sensor and to the run that it retriggers, with by and why', () => {
    const retriggerOf = { runId: 'run/eo/water/a', by: 'ada', why: 'new *model*', overrides: { 'spec.x': '1' } };
    const text = describeLedger(ledgerOf(1), { retriggerOf });
    expect(text).toContain('[`sensor/eo/water`](namespaces/prod/workflows/sensor%2Feo%2Fwater)');
    expect(text).toContain(
      'Retrigger of [`run/eo/water/a`](namespaces/prod/workflows/run%2Feo%2Fwater%2Fa) by "ada" (unverified): new \\*model\\* (with spec.x = 1)',
    );
  });

  it('stays far below the 20 kB that Temporal keeps, for any texts', () => {
    const ledger = ledgerOf(100);
    for (let index = 0; index < 100; index += 1) {
      ledger.park(`f${index}`, 1, { ...refused, message: 'x|\n'.repeat(500) }, week);
    }
    const text = describeLedger(
      ledger,
      {},
      Array.from({ length: 50 }, () => 'retriggered by a: b'),
    );
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    expect(text).toMatch(/more fires/);
  });
});
