import { busSettings, serversOf, type EventBusObject } from '../../src/bus/bus-settings';
import type { EventBusOptions } from '../../src/manifest/annotations';
import { isSluiceError } from '../../src/errors/sluice-error';

function bus(spec: EventBusObject['spec']): EventBusObject {
  return { namespace: 'argo', name: 'default', spec };
}

describe('an EventBus manifest', () => {
  it('of kind jetstream leads to the service and the Secret that the Argo Events controller makes', () => {
    const settings = busSettings(bus({ jetstream: { replicas: 3 } }));
    expect(settings.servers).toEqual(['nats://eventbus-default-js-svc.argo.svc:4222']);
    expect(settings.accessSecret).toEqual({ name: 'eventbus-default-js-client-auth', key: 'client-auth' });
    expect(settings.accessSecretOptional).toBe(false);
    expect(settings.stream).toMatchObject({ replicas: 3, maxAgeMs: 7 * 24 * 3_600_000, duplicatesMs: 300_000 });
  });

  it('of kind jetstream is carried by the NATS that SLUICE_BUS_URL names, with the user that the address holds', () => {
    const settings = busSettings(bus({ jetstream: {} }), 'nats://me:p%40ss@one:4222,nats://two:4333');
    expect(settings.servers).toEqual(['nats://one:4222', 'nats://two:4333']);
    expect(settings.urlCredentials).toEqual({ username: 'me', password: 'p@ss' });
    expect(settings.accessSecretOptional).toBe(true);
  });

  it('refuses a streamConfig that would take long to parse, and knows only its own options', () => {
    const read = (streamConfig: string) => busSettings(bus({ jetstream: { streamConfig } }));
    expect(() => read('}'.repeat(200_000))).toThrow('has 200000 characters, at most 4096 are accepted');
    expect(read('constructor: 1\n__proto__: 2\nmaxMsgs: 3').notices).toEqual([
      expect.stringContaining('streamConfig.constructor is not known'),
      expect.stringContaining('streamConfig.__proto__ is not known'),
    ]);
  });

  it('of kind jetstreamExotic leads to its URL', () => {
    const accessSecret = { name: 'nats', key: 'auth' };
    const settings = busSettings(bus({ jetstreamExotic: { url: 'nats://n:1', accessSecret, tls: { enabled: true } } }));
    expect(settings).toMatchObject({ servers: ['nats://n:1'], accessSecret, tls: { enabled: true } });
  });

  it.each<[string, EventBusObject['spec'], EventBusOptions | undefined, string | undefined, string]>([
    ['shares the stream of Argo Events on the server of its controller', { jetstream: {} }, undefined, undefined, 'argo-events'], // prettier-ignore
    ['shares it on the server that its manifest names', { jetstreamExotic: { url: 'nats://n:1' } }, undefined, undefined, 'argo-events'], // prettier-ignore
    ['has a stream of its own on the server that workers name', { jetstream: {} }, undefined, 'nats://n:1', 'own'],
    ['has its own there, whatever address it names', { jetstreamExotic: { url: 'nats://m:1' } }, {}, 'nats://n:1', 'own'], // prettier-ignore
    ['shares it if annotated so', { jetstream: {} }, { stream: 'argo-events' }, 'nats://n:1', 'argo-events'],
    ['has its own if annotated so', { jetstreamExotic: { url: 'nats://n:1' } }, { stream: 'own' }, undefined, 'own'],
  ])('%s', (_, spec, options, url, expected) => {
    const settings = busSettings({ ...bus(spec), ...(options && { options }) }, url);
    expect(settings.streamKind).toBe(expected);
  });

  it('configures the stream by streamConfig, with keys in any case', () => {
    const streamConfig =
      'maxage: 24h\nmaxMsgs: 50000\nmaxBytes: -1\nreplicas: 1\nduplicates: 90s\nretention: 1\ndiscard: 1';
    expect(busSettings(bus({ jetstream: { streamConfig } })).stream).toEqual({
      maxAgeMs: 86_400_000,
      maxMsgs: 50_000,
      maxBytes: -1,
      replicas: 1,
      duplicatesMs: 90_000,
      retention: 'interest',
      discard: 'new',
    });
  });

  it('may have unknown stream settings, which are named in the log', () => {
    const settings = busSettings(bus({ jetstream: { streamConfig: 'maxMsgSize: 5' } }));
    expect(settings.notices).toHaveLength(1);
    expect(settings.notices[0]).toContain('spec.jetstream.streamConfig.maxMsgSize');
  });

  it.each<[string, EventBusObject['spec'], string]>([
    ['no JetStream', {}, 'jetstream'],
    ['a streamConfig that is a list', { jetstream: { streamConfig: '- a' } }, 'spec.jetstream.streamConfig'],
    ['a wrong duration', { jetstream: { streamConfig: 'maxAge: 1 day' } }, 'spec.jetstream.streamConfig.maxAge'],
    [
      'an unknown retention',
      { jetstreamExotic: { url: 'nats://n', streamConfig: 'retention: 7' } },
      'spec.jetstreamExotic.streamConfig.retention',
    ],
    ['an empty address', { jetstreamExotic: { url: ' ' } }, 'address'],
  ])('is rejected with %s', (_, spec, expected) => {
    let error: unknown;
    try {
      busSettings(bus(spec));
    } catch (caught) {
      error = caught;
    }
    expect(isSluiceError(error) && error.code).toBe('BUS_MISCONFIGURED');
    expect(isSluiceError(error) && error.message).toContain(expected);
    expect(isSluiceError(error) && error.message).toContain('argo/default');
  });

  it('shows servers without users, passwords and tokens', () => {
    const servers = ['nats://me:p@ss@one:4222', 'nats://token@two:4222', 'tls://three:4222/'];
    expect(serversOf(servers.join(', '))).toEqual(['nats://one:4222', 'nats://two:4222', 'tls://three:4222']);
    expect(serversOf('one:4222, two')).toEqual(['one:4222', 'two']);
    for (const userInfo of ['me:pass,word', 'me:pa/ss,word', 'me:a@se,cret', 'u@v:SECRET,MORE'])
      expect(serversOf(`nats://${userInfo}@one:4222,nats://two:4222`)).toEqual(['nats://one:4222', 'nats://two:4222']);
    expect(serversOf('me:pass,word@one:4222')).toEqual(['one:4222']);
  });
});
