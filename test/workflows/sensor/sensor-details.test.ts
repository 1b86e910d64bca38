import { describeSensor } from '../../../workflows/sensor/sensor-details';
import type { SensorStatus } from '../../../src/contract/sensor-messages';

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
  it('shows the decisions, the parked runs and the lag', () => {
    expect(describeSensor(status, [], 'prod')).toContain('| 9 | 7 | 1 | 1 | 6 | 2 | 3 |');
    expect(describeSensor(status, [], 'prod')).toContain('As of 2026-01-01 00:01:00 UTC.');
  });

  it('shows that nothing was counted yet', () => {
    const { lag: _lag, parked: _parked, countedAt: _countedAt, ...fresh } = status;
    expect(describeSensor(fresh, [], 'prod')).toContain('No listener has reported yet.');
  });

  it('links to the runs of the sensor', () => {
    expect(describeSensor(status, [], 'prod')).toContain(
      '[parked runs](namespaces/prod/workflows?query=SluiceSensor%20%3D%20%27eo%2Fwater%27%20AND%20SluiceState%20%3D%20%27Parked%27)',
    );
  });

  it('shows who paused it, since when and why, and how to resume it', () => {
    const paused = { by: 'ada', why: '<b>repair</b>', since: '2026-01-01T00:00:20Z' };
    expect(describeSensor({ ...status, paused }, [], 'prod')).toContain(
      '**Paused** since 2026-01-01 00:00:20 UTC by "ada" (unverified): \\<b\\>repair\\</b\\><br>To resume: More Actions → Send a Signal, `resume`: `{"by": "your name", "why": "the reason"}`',
    );
  });

  it('explains that the sensor holds back', () => {
    expect(describeSensor({ ...status, holdingBack: { waiting: 512 } }, [], 'prod')).toContain(
      '**Holding back**: 512 events wait for their turn; further events stay on the bus',
    );
  });

  it('shows stopped parts with the reason and advice', () => {
    const since = '2026-01-01T00:00:10Z';
    const problem = { code: 'BUS_MISCONFIGURED', message: 'no TLS', fix: 'Check the tls block.' };
    const text = describeSensor(
      { ...status, stopped: [{ part: 'listener', name: 'listener 1', since, ...problem }] },
      [],
      'prod',
    );
    expect(text).toContain(
      '**Stopped:** listener 1 since 2026-01-01 00:00:10 UTC<br>BUS_MISCONFIGURED: `no TLS`<br>Check the tls block.<br>Then apply it again',
    );
  });

  it('shows the events that a joined trigger holds and the dependencies it waits for', () => {
    const held = { trigger: 'mosaic', condition: 'scene || approval', waitingFor: ['approval'] };
    const text = describeSensor(
      status,
      [{ ...held, held: [{ dependency: 'scene', eventKey: 'scenes/s1', time: '2026-01-01T00:00:30Z' }], waiting: 4 }],
      'prod',
    );
    expect(text).toContain(
      '- **mosaic** when `scene || approval`<br>holds scene `scenes/s1` of 2026-01-01 00:00:30 UTC<br>4 waiting for their turn<br>waits for **approval**',
    );
  });
});
