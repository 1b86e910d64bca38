import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { readFile } from 'node:fs/promises';
import { startNats, type RunningNats, type StartNatsOptions } from '../../dev/servers';
import { describeError } from '../../src/errors/sluice-error';
import { natsTrigger } from '../../src/triggers/nats';
import type { NatsTemplate } from '../../src/clients/nats/nats-connection';
import type { FireRequest, FireResult } from '../../src/triggers/trigger';
import { eventually } from '../setup/eventually';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, failureOf, fireRequest, SCENE_EVENT } from './trigger-world';

async function fire(
  template: NatsTemplate,
  more: Partial<Omit<FireRequest<NatsTemplate>, 'template'>> = {},
  world = createTriggerWorld(),
): Promise<FireResult> {
  const trigger = natsTrigger.create(world);
  try {
    return await trigger.fire(fireRequest(template, { payload: { scene: 'S2A' }, ...more }));
  } finally {
    await trigger.close();
  }
}

/** Runs `act` and gives back the first message that the subject got meanwhile. */
async function firstMessage(nats: NatsConnection, subject: string, act: () => Promise<unknown>): Promise<Msg> {
  const subscription = nats.subscribe(subject, { max: 1, timeout: 10_000 });
  await nats.flush();
  await act();
  for await (const message of subscription) return message;
  throw new Error(`no message to ${subject}`);
}

describeTriggerContract<NatsTemplate>({
  factory: natsTrigger,
  hasKey: true,
  asksToWait: false,
  hasShortLimit: true,
  async start() {
    const server = await startNats({ own: true, authentication: 'password' });
    const { user = '', password = '' } = server.identity;
    const nats = await connect({ servers: server.url, user, pass: password });
    const keys: Array<string | undefined> = [];
    nats.subscribe('contract', { callback: (_, { headers }) => void keys.push(headers?.get('Nats-Msg-Id')) });
    await nats.flush();
    const selector = (key: string) => ({ name: 'nats', key });
    return {
      port: server.port,
      secrets: { 'nats/user': user, 'nats/password': password },
      request: { payload: { text: 'longer than sixteen bytes' } },
      leadTo: (port) => ({
        url: `nats://127.0.0.1:${port}`,
        subject: 'contract',
        auth: { basic: { username: selector('user'), password: selector('password') } },
      }),
      async keys() {
        await nats.flush();
        return keys;
      },
      async refuse() {
        const manager = await jetstreamManager(nats);
        await manager.streams.add({ name: 'SMALL', subjects: ['contract'], max_msg_size: 16 });
      },
      async stop() {
        await nats.close();
        await server.stop();
      },
    };
  },
});

describe('the nats trigger', () => {
  let server: RunningNats;
  let nats: NatsConnection;

  beforeAll(async () => {
    server = await startNats({ own: true, maxPayloadBytes: 4_096 });
    nats = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await nats.close();
    await server.stop();
  });

  it('publishes the payload as JSON to a subject without a stream', async () => {
    const message = await firstMessage(nats, 'plain.scenes', () => fire({ url: server.url, subject: 'plain.scenes' }));
    expect(message.json()).toEqual({ scene: 'S2A' });
    expect(message.headers?.get('Nats-Msg-Id')).toBe('fire-1');
  });

  it('passes on the trace of the event', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`;
    const events = { scene: { ...SCENE_EVENT, traceparent } };
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: 'TRACED', subjects: ['traced.*'] });
    for (const subject of ['untraced-stream.scenes', 'traced.scenes']) {
      const message = await firstMessage(nats, subject, () => fire({ url: server.url, subject }, { events }));
      expect(message.headers?.get('traceparent')).toBe(traceparent);
      expect(message.headers?.get('Nats-Msg-Id')).toBe('fire-1');
    }
  });

  it('stores the message in the stream that covers the subject, once for each fire', async () => {
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: 'SCENES', subjects: ['stored.*'] });
    const template = { url: server.url, subject: 'stored.scenes' };
    const first = await fire(template);
    expect(first).toMatchObject({ kind: 'response', summary: expect.stringContaining('stream SCENES') as string });
    await fire(template);
    await fire(template, { fireId: 'fire-2' });
    const { state } = await manager.streams.info('SCENES');
    expect(state.messages).toBe(2);
  });

  it('fails permanently if the stream rejects the message', async () => {
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: 'SMALL', subjects: ['small'], max_msg_size: 16 });
    const sent = fire({ url: server.url, subject: 'small' }, { payload: { text: 'x'.repeat(64) } });
    expect(await failureOf(sent)).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it("fails permanently if the payload exceeds the server's limit", async () => {
    const sent = fire({ url: server.url, subject: 'plain' }, { payload: { text: 'x'.repeat(8_000) } });
    expect(await failureOf(sent)).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('fails permanently on an invalid subject', async () => {
    const sent = fire({ url: server.url, subject: 'two words' });
    expect(await failureOf(sent)).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('shares one connection among triggers with equal settings', async () => {
    const trigger = natsTrigger.create(createTriggerWorld());
    const connections = async () => {
      const answer = await fetch(`${server.monitorUrl}/varz`);
      return ((await answer.json()) as { total_connections: number }).total_connections;
    };
    const before = await connections();
    for (const triggerName of ['a', 'b', 'c']) {
      await trigger.fire(
        fireRequest({ url: server.url, subject: `plain.${triggerName}` }, { triggerName, payload: {} }),
      );
    }
    expect(await connections()).toBe(before + 1);
    await trigger.close();
  });

  it('fails transiently if the server is down, and succeeds once it is back', async () => {
    const outage = await startNats({ own: true });
    const trigger = natsTrigger.create(createTriggerWorld());
    try {
      const request = fireRequest({ url: outage.url, subject: 'plain' }, { payload: {} });
      await trigger.fire(request);
      await outage.stopKeepingData();
      expect(await failureOf(trigger.fire(request))).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
      await outage.restart();
      await expect(eventually(() => trigger.fire(request))).resolves.toMatchObject({ kind: 'response' });
    } finally {
      await trigger.close();
      await outage.stop();
    }
  });

  it('previews the message without sending it', () => {
    const request = fireRequest({ url: 'nats://ada:secret@localhost', subject: 's' }, { payload: { a: 1 } });
    expect(natsTrigger.create(createTriggerWorld()).preview?.(request)).toEqual({
      servers: 'nats://localhost',
      subject: 's',
      headers: { 'Nats-Msg-Id': 'fire-1' },
      body: '{"a":1}',
    });
  });
});

describe('the nats trigger and access', () => {
  let server: RunningNats | undefined;
  const start = async (options: StartNatsOptions) => (server = await startNats(options));
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  const selector = (key: string) => ({ name: 'nats', key });

  it.each<[string, StartNatsOptions['authentication'], NatsTemplate['auth']]>([
    ['user and password', 'password', { basic: { username: selector('user'), password: selector('password') } }],
    ['a token', 'token', { token: selector('token') }],
    ['an nkey', 'nkey', { nkey: selector('nkey') }],
    ['a credentials file', 'credentials', { credential: selector('credentials') }],
  ])('authenticates with %s', async (_case, authentication, auth) => {
    const { url, identity } = await start({ authentication });
    const { user = '', password = '', token = '', nkeySeed = '', credentialsPath } = identity;
    const credentials = credentialsPath ? await readFile(credentialsPath, 'utf8') : '';
    const world = createTriggerWorld({
      'nats/user': user,
      'nats/password': password,
      'nats/token': token,
      'nats/nkey': nkeySeed,
      'nats/credentials': credentials,
    });
    await expect(fire({ url, subject: 'plain', auth }, {}, world)).resolves.toMatchObject({ kind: 'response' });
    expect(await failureOf(fire({ url, subject: 'plain' }))).toMatchObject({ code: 'TRIGGER_REFUSED' });
  });

  it('reads user and password from the url', async () => {
    const { url, identity } = await start({ authentication: 'password' });
    const withLogin = url.replace('//', `//${identity.user}:${identity.password}@`);
    await expect(fire({ url: withLogin, subject: 'plain' })).resolves.toMatchObject({ kind: 'response' });
    const failure = await failureOf(fire({ url: withLogin.replace('sluice', 'nobody'), subject: 'plain' }));
    expect(failure.retryable).toBe(false);
    expect(describeError(failure)).not.toContain(identity.password);
  });

  it('uses TLS with a client certificate', async () => {
    const { url, tls } = await start({ tls: true, requireClientCertificate: true });
    const world = createTriggerWorld({
      'nats/ca': await readFile(tls?.caPath ?? '', 'utf8'),
      'nats/cert': await readFile(tls?.clientCertificatePath ?? '', 'utf8'),
      'nats/key': await readFile(tls?.clientKeyPath ?? '', 'utf8'),
    });
    const template: NatsTemplate = {
      url,
      subject: 'plain',
      tls: {
        caCertSecret: selector('ca'),
        clientCertSecret: selector('cert'),
        clientKeySecret: selector('key'),
      },
    };
    await expect(fire(template, {}, world)).resolves.toMatchObject({ kind: 'response' });
    expect(await failureOf(fire({ url, subject: 'plain' }))).toMatchObject({ code: 'TRIGGER_UNREACHABLE' });
  });

  it('fails permanently on a subject that the user may not publish to', async () => {
    const permissions = 'permissions: { publish: ["allowed", "$JS.>"], subscribe: ">" }';
    const { url } = await start({
      configuration: `authorization { users: [ { user: "ada", password: "pw", ${permissions} } ] }`,
    });
    const world = createTriggerWorld({ 'nats/user': 'ada', 'nats/password': 'pw' });
    const auth = { basic: { username: selector('user'), password: selector('password') } };
    await expect(fire({ url, subject: 'allowed', auth }, {}, world)).resolves.toMatchObject({ kind: 'response' });
    const failure = await failureOf(fire({ url, subject: 'forbidden', auth }, {}, world));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('publishes for a user without permission to list streams', async () => {
    const { url } = await start({
      configuration: 'authorization { users: [ { user: "a", password: "p", permissions: { publish: "plain" } } ] }',
    });
    const world = createTriggerWorld({ 'nats/user': 'a', 'nats/password': 'p' });
    const auth = { basic: { username: selector('user'), password: selector('password') } };
    await expect(fire({ url, subject: 'plain', auth }, {}, world)).resolves.toMatchObject({ kind: 'response' });
  });
});
