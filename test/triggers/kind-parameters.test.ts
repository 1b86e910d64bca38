import { resolveFire } from '../../activities/firing/resolve-fire';
import type { TriggerSpec } from '../../src/manifest/sensor';
import type { ExpressionEngine } from '../../src/expressions/engine';
import { createTriggers } from '../../src/triggers/registry';
import { createTriggerWorld, SCENE_EVENT } from './trigger-world';

/** Plain paths need no engine; a test that does need one has left its subject. */
const engine: ExpressionEngine = {
  evaluate: () => Promise.reject(new Error('no expressions here')),
  close: () => Promise.resolve(),
};

const fromEvent = (dest: string) => [{ src: { dependencyName: 'scene', dataKey: 'scene' }, dest }];
const secret = { name: 'any', key: 'any' };

/** What the trigger would send for the scene S2A_10TFK. */
async function previewOf(template: Omit<TriggerSpec['template'], 'name'>): Promise<unknown> {
  const triggers = createTriggers(createTriggerWorld());
  const resolved = await resolveFire(
    {
      sensor: { namespace: 'argo', name: 'water-bodies' },
      runId: 'run/argo/water-bodies/1c0ffee',
      fireId: 'fire-1',
      trigger: { template: { name: 'notify', ...template } },
      events: { scene: SCENE_EVENT },
    },
    { triggers, engine, signal: new AbortController().signal },
  );
  return triggers.preview(resolved);
}

describe('the parameters of a kind', () => {
  it('set the subject and payload of nats', async () => {
    const preview = await previewOf({
      nats: { url: 'nats://localhost', subject: 'x', payload: fromEvent('id'), parameters: fromEvent('subject') },
    });
    expect(preview).toMatchObject({ subject: 'S2A_10TFK', body: '{"id":"S2A_10TFK"}' });
  });

  it('set the message of slack', async () => {
    const preview = await previewOf({
      slack: { slackToken: secret, channel: 'scenes', message: 'x', parameters: fromEvent('message') },
    });
    expect(preview).toMatchObject({ body: { text: 'S2A_10TFK' } });
  });

  it('set the subject of email', async () => {
    const mail = { host: 'localhost', from: 'a@example.com', to: ['b@example.com'], subject: 'x', body: 'y' };
    const preview = await previewOf({ email: { ...mail, parameters: fromEvent('subject') } });
    expect(preview).toMatchObject([{ subject: 'S2A_10TFK' }]);
  });

  it('set the topic and key of kafka', async () => {
    const parameters = [...fromEvent('topic'), ...fromEvent('partitioningKey')];
    const preview = await previewOf({
      kafka: { url: 'localhost:9092', topic: 'x', payload: fromEvent('id'), parameters },
    });
    expect(preview).toMatchObject({ topic: 'S2A_10TFK', key: 'S2A_10TFK', value: '{"id":"S2A_10TFK"}' });
  });

  it('set the headers and body of http', async () => {
    const preview = await previewOf({
      http: {
        url: 'http://localhost/',
        payload: fromEvent('id'),
        dynamicHeaders: fromEvent('X-Scene'),
        parameters: fromEvent('host'),
      },
    });
    const headers = { 'X-Scene': 'S2A_10TFK', Host: 'S2A_10TFK' };
    expect(preview).toMatchObject({ headers, body: '{"id":"S2A_10TFK"}' });
  });
});
