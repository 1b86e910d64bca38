import { WorkflowNotFoundError } from '@temporalio/client';
import { OutcomeNotifier } from '../../../activities/outcomes/outcome-notifier';
import { SluiceError } from '../../../src/errors/sluice-error';
import type { WorkflowOutcome } from '../../../src/kubernetes/workflow-outcomes';
import type { WorkflowOutcomeReport } from '../../../src/contract/fires';
import { eventually } from '../../setup/eventually';

const outcome = (runId: string, fireId: string, outputs: Record<string, string> = {}) => ({
  runId,
  fireId,
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: fireId, uid: `uid-${fireId}` },
  phase: 'Succeeded' as const,
  message: '',
  outputs,
  afterRetry: false,
});

/** A post whose signals the test answers, one by one or all. */
function openPost(
  answer: (runId: string, reports: readonly WorkflowOutcomeReport[]) => Promise<void> = () => Promise.resolve(),
  onClosed?: () => Promise<void>,
) {
  const sent: Array<{ runId: string; reports: readonly WorkflowOutcomeReport[] }> = [];
  const told: WorkflowOutcome[] = [];
  const warnings: string[] = [];
  const refused: Array<[runId: string, fireId: string, reason: string]> = [];
  const over = new AbortController();
  const post = new OutcomeNotifier({
    signal: async (runId, reports) => {
      sent.push({ runId, reports });
      await answer(runId, reports);
    },
    onTold: (one) => told.push(one),
    onRefused: ({ fireId }, runId, reason) => refused.push([runId, fireId, reason]),
    ...(onClosed && { onClosed }),
    warn: (message) => warnings.push(message),
  });
  const ended = post.run(over.signal);
  return {
    post,
    sent,
    told,
    refused,
    warnings,
    close: async () => {
      over.abort();
      await ended;
    },
  };
}

describe('the outcome notifier', () => {
  it('reports simultaneous outcomes to a run in one signal, each with the uid of its Workflow', async () => {
    const { post, sent, told, close } = openPost();
    post.add(outcome('run-1', 'a'));
    post.add(outcome('run-1', 'b'));
    post.add(outcome('run-2', 'c'));
    await close();
    expect(sent.map(({ runId, reports }) => [runId, reports.map(({ uid }) => uid)])).toEqual([
      ['run-1', ['uid-a', 'uid-b']],
      ['run-2', ['uid-c']],
    ]);
    expect(told).toHaveLength(3);
  });

  it('advances its position only past delivered outcomes, even while a slow delivery is in flight', async () => {
    let arrive: () => void = () => undefined;
    const { post, sent, close } = openPost(() => new Promise((resolve) => (arrive = resolve)));
    post.add(outcome('run-1', 'a'));
    post.reached('10');
    await eventually(() => sent.length === 1);
    post.reached('20');
    expect(post.position()).toBeUndefined();
    arrive();
    await eventually(() => post.position() === '20');
    await close();
  });

  it('retries failed deliveries, without advancing its position', async () => {
    let isAway = true;
    const { post, sent, told, warnings, close } = openPost(() =>
      isAway ? Promise.reject(new Error('no Temporal')) : Promise.resolve(),
    );
    post.add(outcome('run-1', 'a'));
    post.reached('10');
    await eventually(() => warnings.length > 0);
    expect(warnings[0]).toContain('no Temporal');
    expect([told, post.position()]).toEqual([[], undefined]);
    isAway = false;
    await eventually(() => post.position() === '10');
    expect(told).toHaveLength(1);
    expect(new Set(sent.map(({ runId }) => runId))).toEqual(new Set(['run-1']));
    await close();
  });

  it('succeeds if the run no longer exists', async () => {
    const { post, told, close } = openPost((runId) => Promise.reject(new WorkflowNotFoundError('gone', runId, '')));
    post.add(outcome('run-1', 'a'));
    post.reached('10');
    await close();
    expect([told, post.position()]).toEqual([[], '10']);
  });

  it('splits outcomes that exceed the size of one signal', async () => {
    const { post, sent, close } = openPost();
    for (let fire = 0; fire < 200; fire += 1) post.add(outcome('run-1', `${fire}`, { text: 'x'.repeat(10_000) }));
    await close();
    expect(sent.length).toBeGreaterThan(1);
    for (const { reports } of sent) expect(JSON.stringify(reports).length).toBeLessThan(1_500_000);
    expect(sent.flatMap(({ reports }) => reports)).toHaveLength(200);
  });

  /** As the SDK reports a status of the server. */
  const statusError = (code: number, details: string): Error =>
    Object.assign(new Error('failed to signal'), { cause: Object.assign(new Error(details), { code, details }) });

  it('drops only the outcome that Temporal rejects permanently, and continues', async () => {
    const { post, sent, told, refused, warnings, close } = openPost((_, reports) =>
      reports.some(({ fireId }) => fireId === 'odd')
        ? Promise.reject(statusError(3, 'BadSignalInput'))
        : Promise.resolve(),
    );
    for (const fireId of ['a', 'odd', 'b']) post.add(outcome('run-1', fireId));
    post.reached('10');
    await eventually(() => post.position() === '10');
    await close();
    expect(refused).toMatchObject([['run-1', 'odd', expect.stringContaining('failed to signal')]]);
    expect(told.map(({ fireId }) => fireId)).toEqual(['a', 'b']);
    expect({ signals: sent.length, warnings }).toEqual({ signals: 4, warnings: [] });
  });

  it('splits outcomes that are too large together, and sends none twice', async () => {
    const { post, told, refused, close } = openPost((_, reports) =>
      reports.length > 1
        ? Promise.reject(statusError(8, 'grpc: received message larger than max (5000000 vs. 4194304)'))
        : Promise.resolve(),
    );
    for (const fireId of ['a', 'b', 'c']) post.add(outcome('run-1', fireId));
    post.reached('10');
    await eventually(() => post.position() === '10');
    await close();
    expect(told.map(({ fireId }) => fireId)).toEqual(['a', 'b', 'c']);
    expect(refused).toEqual([]);
  });

  it('retries transient publish failures of a completed run, but not permanent ones', async () => {
    const gone = (runId: string) => Promise.reject(new WorkflowNotFoundError('gone', runId, ''));
    const tooLarge = new SluiceError('BUS_EVENT_TOO_LARGE', { message: 'too large' });
    const { post, refused, warnings, close } = openPost(gone, () => Promise.reject(tooLarge));
    post.add(outcome('run-1', 'a'));
    post.reached('10');
    await eventually(() => post.position() === '10');
    await close();
    expect(refused).toMatchObject([['run-1', 'a', expect.stringContaining('too large')]]);
    expect(warnings).toEqual([]);
  });
});
