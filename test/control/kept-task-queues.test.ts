import { keptTaskQueues } from '../../src/control/apply/kept-task-queues';

describe('apply with a named task queue', () => {
  const row = (name: string, taskQueue?: string) => {
    const spec = { jetstream: { version: 'latest' } };
    const definition = { namespace: 'argo', name, spec, options: {} };
    return { desired: { kind: 'EventBus' as const, definition }, ...(taskQueue !== undefined && { taskQueue }) };
  };

  it('names the objects that stay on another one', () => {
    const rows = [row('a', 'slow'), row('b', 'fast'), row('c', 'slow'), row('new')];
    expect(keptTaskQueues(rows, { sensor: 'fast' })).toEqual([
      'Task queue "fast" is for new objects only; still on "slow": bus argo/a, bus argo/c. To move an object, delete ' +
        'it and apply it again.',
    ]);
  });

  it('counts many', () => {
    const rows = Array.from({ length: 8 }, (_, at) => row(`bus-${at}`, 'slow'));
    const [sentence, ...others] = keptTaskQueues(rows, { sensor: 'fast' });
    expect(others).toEqual([]);
    expect(sentence).toContain('bus argo/bus-4, 3 more.');
  });

  it.each([
    ['no queue is named', {}],
    ['only that of event sources is named', { eventSource: 'fast' }],
  ])('says nothing if %s', (_, queues) => {
    expect(keptTaskQueues([row('a', 'slow')], queues)).toEqual([]);
  });
});
