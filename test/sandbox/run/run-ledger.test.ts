import type { Fire } from '../../../src/contract/packed-fires';
import { RunLedger } from '../../../src/sandbox/run/run-ledger';
import type { FireFailure, FireResult, RunState, WorkflowOutcomeReport } from '../../../src/contract/fires';
import { cloudEvent } from '../../setup/cloud-event';

const scene = (id: string) => cloudEvent({ id, subject: 'items', time: '2026-11-22T10:00:00Z' });
const fires: Fire[] = [
  { id: 'one', trigger: 'detect', dependencies: { scene: [0] } },
  { id: 'two', trigger: 'detect', dependencies: { scene: [1] } },
];
const created: FireResult = {
  kind: 'object',
  action: 'create',
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: 'detect-1', uid: 'u1' },
  existed: false,
};
const week = { since: '2026-01-01T00:00:00Z', until: '2026-01-08T00:00:00Z' };
const refused: FireFailure = { code: 'KUBERNETES_REFUSED', message: 'no', retryable: false };
const ended = (fireId: string, phase: WorkflowOutcomeReport['phase']): WorkflowOutcomeReport => ({
  fireId,
  phase,
  message: '',
  outputs: {},
});
const ledger = (): RunLedger => new RunLedger(fires, [scene('a'), scene('b')]);

describe('the ledger of a run', () => {
  it('names the events of each fire by their keys', () => {
    expect(
      ledger()
        .statuses()
        .map(({ id, events }) => [id, events]),
    ).toEqual([
      ['one', ['stac/a']],
      ['two', ['stac/b']],
    ]);
  });

  it('ignores outcomes of resubmitted copies', () => {
    const run = ledger();
    const copy = { ...ended('one', 'Failed'), uid: 'u-of-the-copy' };
    run.ended(copy);
    run.fired('one', 1, created, true);
    expect(run.waiting().map(({ id }) => id)).toEqual(['one']);
    expect(run.ended(copy)).toBe(false);
    expect(run.ended({ ...ended('one', 'Succeeded'), uid: 'u1' })).toBe(true);
    expect(run.statuses()[0]).toMatchObject({ state: 'Succeeded' });
  });

  const histories: ReadonlyArray<[string, (run: RunLedger) => void, RunState]> = [
    ['is firing at first', () => undefined, 'Firing'],
    ['is firing while one fire is retried', (run) => run.failed('one', 1, refused), 'Firing'],
    [
      'waits for outcomes once everything is fired',
      (run) => ['one', 'two'].forEach((id) => run.fired(id, 1, created, true)),
      'Waiting',
    ],
    [
      'is parked as soon as one fire needs a person, whatever the others do',
      (run) => {
        run.fired('one', 1, created, true);
        run.park('two', 1, refused, week);
      },
      'Parked',
    ],
    [
      'has succeeded when what has no outcome was fired',
      (run) => ['one', 'two'].forEach((id) => run.fired(id, 1, created, false)),
      'Succeeded',
    ],
    [
      'has failed when one Workflow has',
      (run) => {
        ['one', 'two'].forEach((id) => run.fired(id, 1, created, true));
        run.ended(ended('one', 'Succeeded'));
        run.ended(ended('two', 'Failed'));
      },
      'Failed',
    ],
    [
      'has failed when a dead letter was sent in its place',
      (run) => {
        run.fired('one', 1, created, false);
        run.deadLettered('two', created);
      },
      'Failed',
    ],
    [
      'has succeeded when the rest was discarded',
      (run) => {
        run.fired('one', 1, created, false);
        run.discarded('two');
      },
      'Succeeded',
    ],
    ['is discarded when everything was', (run) => ['one', 'two'].forEach((id) => run.discarded(id)), 'Discarded'],
    [
      'has failed when nobody came for a parked fire',
      (run) => {
        run.fired('one', 1, created, false);
        run.park('two', 1, refused, week);
        run.expired('two', 'no operator decided');
      },
      'Failed',
    ],
  ];
  it.each(histories)('%s', (_name, history, state) => {
    const run = ledger();
    history(run);
    expect(run.state()).toBe(state);
  });

  it('shows the deadline of a parked fire, and why it failed after it', () => {
    const run = ledger();
    const two = () => run.statuses()[1];
    run.park('two', 1, refused, week);
    expect(two()).toMatchObject({ parked: week });
    run.refire('two');
    expect(two()).not.toHaveProperty('parked');
    run.park('two', 1, refused, week);
    run.expired('two', 'no operator decided within 7 days');
    expect(two()).toMatchObject({ failure: { code: refused.code, message: 'no operator decided within 7 days: no' } });
    expect(two()).not.toHaveProperty('parked');
  });

  it('keeps an outcome that arrives before the response to the request', () => {
    const run = ledger();
    run.ended(ended('one', 'Succeeded'));
    run.fired('one', 1, created, true);
    expect(run.statuses()[0]).toMatchObject({ state: 'Succeeded', outcome: { phase: 'Succeeded' } });
  });

  it('ignores outcomes of fires that are not its own', () => {
    const run = ledger();
    expect(run.ended(ended('other', 'Failed'))).toBe(false);
    expect(run.state()).toBe('Firing');
  });

  it('accepts the second outcome of a Workflow that was retried manually', () => {
    const run = ledger();
    run.fired('one', 1, created, true);
    run.ended(ended('one', 'Failed'));
    run.ended(ended('one', 'Succeeded'));
    expect(run.statuses()[0]?.state).toBe('Succeeded');
  });

  it('adds up attempts and drops a transient failure', () => {
    const run = ledger();
    run.failed('one', 2, refused);
    run.fired('one', 1, created, false);
    expect(run.statuses()[0]).toMatchObject({ attempts: 3, failure: undefined, state: 'Succeeded' });
  });

  it('is settled only when no fire can change by itself or by an operator', () => {
    const run = ledger();
    run.fired('one', 1, created, false);
    run.park('two', 1, refused, week);
    expect(run.isSettled()).toBe(false);
    expect(run.isAtRest('two')).toBe(true);
    expect(run.statuses()[1]?.parked).toEqual(week);
    run.discarded('two');
    expect(run.isSettled()).toBe(true);
    expect(run.statuses()[1]?.parked).toBeUndefined();
  });
});
