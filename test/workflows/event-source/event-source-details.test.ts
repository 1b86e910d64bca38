import { describeEventSource } from '../../../workflows/event-source/event-source-details';
import type { EventSourceStatus } from '../../../src/contract/event-source-messages';

const source = { bus: { namespace: 'eo', name: 'main', spec: {} } };
const status: EventSourceStatus = {
  namespace: 'eo',
  name: 'scenes',
  appliedAt: '2026-01-01T00:00:00Z',
  events: [
    { name: 'listed', kind: 'redisStream', state: 'Reading' },
    { name: 'told', kind: 'redis', state: 'Reading' },
    { name: 'file', kind: 'sftp', state: 'NotSupported' },
  ],
};

describe('the details panel of an event source', () => {
  it('names every event with its kind and state, and the bus', () => {
    const text = describeEventSource(source, status, 'prod');
    expect(text).toContain('Event source **eo/scenes**, applied 2026-01-01 00:00:00 UTC, to [`event-bus/eo/main`](');
    expect(text).toContain('- **Reading** `listed` · redisStream');
    expect(text).toContain('- **Not supported** `file` · sftp<br>Sluice does not read this kind');
  });

  it('shows who paused it, the backlog, and the lost events', () => {
    const backlog = { entries: 25, pending: 0, isAtLeast: true, at: '2026-01-01T00:01:00Z' };
    const events = status.events.map((event) => ({ ...event, state: 'Paused' as const, backlog }));
    const paused = { by: 'ada', why: 'Redis moves', since: '2026-01-01T00:00:30Z' };
    const text = describeEventSource(source, { ...status, events, paused }, 'prod');
    expect(text).toContain('**Paused** since 2026-01-01 00:00:30 UTC by "ada" (unverified): Redis moves');
    expect(text).toContain('- **Paused** `listed` · redisStream<br>backlog at least 25, as of 2026-01-01 00:01:00 UTC');
    expect(text).toContain('- **Paused** `told` · redis<br>not kept while paused');
  });

  it('shows a multi-line problem on one line, with advice', () => {
    const failed = { name: 'told', kind: 'redis', state: 'Failed', problem: 'X: a | b\n\n# c <i>' } as const;
    const text = describeEventSource(source, { ...status, events: [failed] }, 'prod');
    expect(text).toContain('- **Failed** `told` · redis<br>X: a \\| b # c \\<i\\>');
    expect(text).toContain('Correct the cause. Sluice tries again within 5 minutes');
  });
});
