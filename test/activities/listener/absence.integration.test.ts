import { ABSENCE_SOURCE } from '../../../src/event/absence-event';
import { useStage, type Stage } from '../../workflows/stage';

describe('sluice.io/expect-every', () => {
  let stage: Stage;
  useStage((fresh) => (stage = fresh));

  it('fires a trigger when no event has come for so long, and with each further gap once', async () => {
    await stage.apply({
      annotations: { 'sluice.io/expect-every': 'a=3s' },
      dependencies: ['a', { name: 'missing', eventSourceName: ABSENCE_SOURCE, eventName: stage.sensor }],
      triggers: [
        stage.httpTrigger('seen', ['a'], { template: { conditions: 'a' } }),
        stage.httpTrigger('alarm', ['missing'], { template: { conditions: 'missing' } }),
      ],
    });
    // No event yet: the first gap begins with the sensor.
    expect(await stage.bodies(1, 'alarm')).toEqual([{ missing: 'none' }]);
    await stage.publish(stage.event('a', '1'));
    expect(await stage.bodies(1, 'seen')).toEqual([{ a: '1' }]);
    expect(await stage.bodies(2, 'alarm')).toEqual([{ missing: 'none' }, { missing: 'none' }]);
  });
});
