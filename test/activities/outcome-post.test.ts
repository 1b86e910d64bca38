import { WorkflowNotFoundError } from '@temporalio/client';
import { OutcomePost } from '../../activities/outcome-post';
import type { WorkflowOutcome } from '../../src/kubernetes/workflow-outcomes';
import type { WorkflowOutcomeReport } from '../../src/run/run-types';
import { eventually } from '../setup/eventually';

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
function openPost(answer: (runId: string) => Promise<void> = () => Promise.resolve()) {
  const sent: Array<{ runId: string; reports: readonly WorkflowOutcomeReport[] }> = [];
  const told: WorkflowOutcome[] = [];
  const warnings: string[] = [];
  const over = new AbortController();
  const post = new OutcomePost({
    signal: async (runId, reports) => {
      sent.push({ runId, reports });
      await answer(runId);
    },
    onTold: (one) => told.push(one),
    warn: (message) => warnings.push(message),
  });
  const ended = post.run(over.signal);
  return {
    post,
    sent,
    told,
    warnings,
    close: async () => {
      over.abort();
      await ended;
    },
  };
}

describe('the post of outcomes', () => {
  it('tells a run together what ended together, each with the uid of its Workflow', async () => {
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

  it('moves its position only past what has arrived, also while a slow delivery is under way', async () => {
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

  it('tells again what did not arrive, and does not move its position meanwhile', async () => {
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

  it('needs no answer from a run that is gone', async () => {
    const { post, told, close } = openPost((runId) => Promise.reject(new WorkflowNotFoundError('gone', runId, '')));
    post.add(outcome('run-1', 'a'));
    post.reached('10');
    await close();
    expect([told, post.position()]).toEqual([[], '10']);
  });

  it('cuts what Temporal would not take in one signal', async () => {
    const { post, sent, close } = openPost();
    for (let fire = 0; fire < 200; fire += 1) post.add(outcome('run-1', `${fire}`, { text: 'x'.repeat(10_000) }));
    await close();
    expect(sent.length).toBeGreaterThan(1);
    for (const { reports } of sent) expect(JSON.stringify(reports).length).toBeLessThan(1_500_000);
    expect(sent.flatMap(({ reports }) => reports)).toHaveLength(200);
  });
});
