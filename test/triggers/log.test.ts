import type { CloudEvent } from '../../src/event/cloud-event';
import { logTrigger } from '../../src/triggers/log';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, fireRequest, SCENE_EVENT } from './trigger-world';

const { data: _data, ...context } = SCENE_EVENT;
const base64 = (text: string) => Buffer.from(text).toString('base64');

describeTriggerContract({
  factory: logTrigger,
  hasServer: false,
  hasKey: true,
  asksToWait: false,
  hasShortLimit: false,
  start: () =>
    Promise.resolve({
      leadTo: () => ({}),
      keys: ({ lines }) => lines.map(({ fireId }) => String(fireId)),
      stop: () => Promise.resolve(),
    }),
});

describe('the log trigger', () => {
  it('writes one structured line per event', async () => {
    const world = createTriggerWorld();
    const trigger = logTrigger.create(world);
    const second: CloudEvent = { ...SCENE_EVENT, id: 'second', data: [1, 2] };
    const result = await trigger.fire(fireRequest({}, { events: { scene: SCENE_EVENT, tick: second } }));
    expect(result).toMatchObject({ kind: 'response' });
    expect(world.lines).toEqual([
      expect.objectContaining({
        dependencyName: 'scene',
        eventContext: context,
        msg: '{"scene":"S2A_10TFK"}',
        sensor: 'water-bodies',
        trigger: 'notify',
      }),
      expect.objectContaining({ dependencyName: 'tick', msg: '[1,2]' }),
    ]);
  });

  it.each<[string, Partial<CloudEvent>, string]>([
    ['plain text as it is', { datacontenttype: 'text/plain; charset=utf-8', data_base64: base64('hullo') }, 'hullo'],
    ['anything else in base64', { datacontenttype: 'image/png', data_base64: base64('png') }, base64('png')],
    ['an event without data as nothing', { datacontenttype: 'application/octet-stream' }, ''],
  ])('writes %s', async (_case, content, text) => {
    const world = createTriggerWorld();
    const event: CloudEvent = { ...context, ...content };
    await logTrigger.create(world).fire(fireRequest({}, { events: { scene: event } }));
    expect(world.lines).toEqual([expect.objectContaining({ msg: text })]);
  });

  it('applies intervalSeconds to each trigger separately', async () => {
    const world = createTriggerWorld();
    const trigger = logTrigger.create(world);
    const template = { intervalSeconds: 3600 };
    await trigger.fire(fireRequest(template));
    const suppressed = await trigger.fire(fireRequest(template));
    await trigger.fire(fireRequest(template, { triggerName: 'another' }));
    expect(suppressed).toMatchObject({ kind: 'response', summary: expect.stringContaining('not logged') as string });
    expect(world.lines.map((line) => line.trigger)).toEqual(['notify', 'another']);
  });

  it('writes again once the interval has passed', async () => {
    const world = createTriggerWorld();
    const trigger = logTrigger.create(world);
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    try {
      await trigger.fire(fireRequest({ intervalSeconds: 2 }));
      now = 1_999;
      await trigger.fire(fireRequest({ intervalSeconds: 2 }));
      now = 2_000;
      await trigger.fire(fireRequest({ intervalSeconds: 2 }));
    } finally {
      clock.mockRestore();
    }
    expect(world.lines).toHaveLength(2);
  });
});
