import { createTriggers, triggerKind, type KindBlocks } from '../../src/triggers/registry';
import { isSupportedTrigger } from '../../src/kinds/trigger-kinds';
import { createTriggerWorld, failureOf, fireRequest } from './trigger-world';

describe('the kind of a trigger', () => {
  it('is the only block that its template sets', () => {
    expect(triggerKind({ http: { url: 'http://localhost' } })).toBe('http');
    expect(triggerKind({ log: {} })).toBe('log');
  });

  it.each<[string, KindBlocks]>([
    ['none is set', {}],
    ['two are set', { log: {}, http: { url: 'http://localhost' } }],
    ['a supported and an unsupported one are set', { log: {}, openWhisk: { host: 'h', actionName: 'a', payload: [] } }],
  ])('is an error when %s', async (_case, template) => {
    const failure = await failureOf(new Promise((resolve) => resolve(triggerKind(template))));
    expect(failure.code).toBe('MANIFEST_INVALID');
  });
});

describe('the triggers of a worker', () => {
  it('fire the kind that a template names', async () => {
    const world = createTriggerWorld();
    const triggers = createTriggers(world);
    await expect(triggers.fire(fireRequest({ log: {} }))).resolves.toMatchObject({ kind: 'response' });
    expect(world.lines).toHaveLength(1);
    await triggers.close();
    await triggers.close();
  });

  const notFired: Array<[string, KindBlocks]> = [
    ['awsLambda', { awsLambda: { functionName: 'f', region: 'r', payload: [] } }],
    ['azureEventHubs', { azureEventHubs: { fqdn: 'f', hubName: 'h' } }],
    ['azureServiceBus', { azureServiceBus: {} }],
    ['openWhisk', { openWhisk: { host: 'h', actionName: 'a', payload: [] } }],
    ['pulsar', { pulsar: { url: 'pulsar://localhost', topic: 't', payload: [] } }],
  ];
  it.each(notFired.filter(([kind]) => !isSupportedTrigger(kind)))(
    'report that %s is not supported yet',
    async (kind, template) => {
      const triggers = createTriggers(createTriggerWorld());
      const failure = await failureOf(triggers.fire(fireRequest(template)));
      expect(failure).toMatchObject({ code: 'TRIGGER_UNSUPPORTED', retryable: false });
      expect(failure.message).toContain(kind);
    },
  );

  it('have no resource to fetch for kinds without one', async () => {
    const triggers = createTriggers(createTriggerWorld());
    await expect(triggers.fetchResource(fireRequest({ log: {} }))).resolves.toBeUndefined();
  });
});
