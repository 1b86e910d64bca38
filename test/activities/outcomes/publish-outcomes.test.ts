import { outcomeEvent } from '../../../activities/outcomes/publish-outcomes';
import type { PublishOutcomesRequest } from '../../../src/contract/activities';
import type { FireStatus } from '../../../src/contract/fires';
import { cloudEvent } from '../../setup/cloud-event';

const traceparentNumber = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const event = (id: string, traceparent?: string) =>
  cloudEvent({ id, subject: 'items', time: '2026-01-02T03:04:05Z', ...(traceparent !== undefined && { traceparent }) });
const fire = (id: string, events: readonly string[], finishedAt?: string): FireStatus => ({
  id,
  trigger: 'detect',
  events,
  state: 'Succeeded',
  attempts: 1,
  outcome: {
    fireId: id,
    phase: 'Succeeded',
    message: '',
    outputs: {},
    ...(finishedAt !== undefined && { finishedAt }),
  },
});
const request: PublishOutcomesRequest = {
  sensor: { namespace: 'argo', name: 'scenes' },
  bus: { namespace: 'argo', name: 'default', spec: {} },
  runId: 'run/argo/scenes/1',
  options: { parkForMs: 1, followOutcome: true },
  events: [event('a', traceparentNumber('a')), event('b', traceparentNumber('b')), event('c')],
  fires: [],
};

describe('the event of an outcome', () => {
  it('belongs to the trace of the events of its own fire, not of others in the run', () => {
    const traces = [fire('1', ['stac/a']), fire('2', ['stac/b']), fire('3', ['stac/c'])].map(
      (each) => outcomeEvent(request, each).traceparent,
    );
    expect(traces).toEqual([traceparentNumber('a'), traceparentNumber('b'), undefined]);
  });

  it('has the same id however often it is published, and another id for another outcome', () => {
    const [first, again, later] = ['2026-01-01T00:00:05Z', '2026-01-01T00:00:05Z', '2026-01-01T00:01:00Z'].map(
      (finishedAt) => outcomeEvent(request, fire('1', ['stac/a'], finishedAt)),
    );
    expect(again).toEqual(first);
    expect(later?.id).not.toBe(first?.id);
  });
});
