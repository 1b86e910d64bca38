import { describeSensor } from '../../workflows/sensor-details';
import type { SensorStatus } from '../../workflows/messages';

const status: SensorStatus = {
  namespace: 'eo',
  name: 'water',
  appliedAt: '2026-01-01T00:00:00Z',
  triggers: [
    { name: 'detect', condition: 'scene', joined: false },
    { name: 'mosaic', condition: 'scene || approval', joined: true },
  ],
  counts: { consumed: 9, matched: 7, unmatched: 1, fired: 6, failed: 1 },
  lag: 3,
  parked: 2,
  countedAt: '2026-01-01T00:01:00Z',
};

describe('the details panel of a sensor', () => {
  it('shows what became of the events, the parked runs and the lag', () => {
    expect(describeSensor(status, [])).toContain('| 9 | 7 | 1 | 1 | 6 | 2 | 3 |');
  });

  it('says that the sensor holds back, and what that means', () => {
    expect(describeSensor({ ...status, holdingBack: { waiting: 512 } }, [])).toContain(
      '**Holding back**: 512 events wait for their turn; what follows waits on the bus',
    );
  });

  it('shows what has stopped, why, and what to do', () => {
    const since = '2026-01-01T00:00:10Z';
    const problem = { code: 'BUS_MISCONFIGURED', message: 'no TLS', fix: 'Check the tls block.' };
    const text = describeSensor(
      { ...status, stopped: [{ part: 'listener', name: 'listener 1', since, ...problem }] },
      [],
    );
    expect(text).toContain(
      `**Stopped:** listener 1 has stopped at ${since}: BUS_MISCONFIGURED: no TLS. Check the tls block. `,
    );
  });

  it('shows what a joined trigger holds and what it waits for', () => {
    const held = { trigger: 'mosaic', condition: 'scene || approval', waitingFor: ['approval'] };
    const text = describeSensor(status, [
      { ...held, held: [{ dependency: 'scene', eventKey: 'scenes/s1', time: '2026-01-01T00:00:30Z' }], waiting: 4 },
    ]);
    expect(text).toContain(
      '- **mosaic** when `scene || approval`<br>holds scene scenes/s1<br>4 waiting for their turn<br>waits for **approval**',
    );
  });
});
