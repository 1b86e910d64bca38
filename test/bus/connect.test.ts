import { readFile } from 'node:fs/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNats, type RunningNats, type StartNatsOptions } from '../../dev/servers';
import type { EventBusObject } from '../../src/bus/bus-settings';
import { connectBus } from '../../src/bus/connect';
import { isSluiceError } from '../../src/errors/sluice-error';
import { eventually } from '../setup/eventually';
import { secretsFrom } from '../setup/secrets';
import { connectTestBus, sampleEvent } from './bus-fixture';

type Exotic = NonNullable<EventBusObject['spec']['jetstreamExotic']>;

const accessSecret = { name: 'nats', key: 'auth' };

async function publishThrough(nats: RunningNats, secrets: Record<string, string>, exotic: Partial<Exotic> = {}) {
  const spec = { jetstreamExotic: { url: nats.url, accessSecret, streamConfig: 'replicas: 1', ...exotic } };
  const bus = await connectBus({ namespace: 'argo', name: 'b', spec }, secretsFrom(secrets), {
    temporalNamespace: 'default',
  });
  try {
    return await bus.publishEvents([sampleEvent('hello')]);
  } finally {
    await bus.close();
  }
}

describe('an event bus that requires authentication', () => {
  it.each<[string, StartNatsOptions['authentication'], (nats: RunningNats) => string | Promise<string>]>([
    ['user and password', 'password', ({ identity: { user, password } }) => `username: ${user}\npassword: ${password}`],
    ['a token', 'token', ({ identity }) => `token: ${identity.token}`],
    ['an nkey', 'nkey', ({ identity }) => `nkey: ${identity.nkeySeed}`],
    ['an nkey as the whole Secret', 'nkey', ({ identity }) => `${identity.nkeySeed}\n`],
    ['a credentials file', 'credentials', ({ identity }) => readFile(identity.credentialsPath ?? '', 'utf8')],
  ])('accepts %s', async (_, authentication, secretOf) => {
    const nats = await startNats({ authentication });
    try {
      const outcomes = await publishThrough(nats, { 'nats/auth': await secretOf(nats) });
      expect(outcomes).toMatchObject([{ kind: 'published' }]);
    } finally {
      await nats.stop();
    }
  });

  it('rejects wrong credentials with an error that names the Secret and not its value', async () => {
    const nats = await startNats({ authentication: 'password' });
    const problem: unknown = await publishThrough(nats, { 'nats/auth': 'username: sluice\npassword: guessed' }).catch(
      (error: unknown) => error,
    );
    expect(isSluiceError(problem) && problem.code).toBe('BUS_REFUSED');
    expect(isSluiceError(problem) && problem.fix).toContain('"nats"');
    expect(JSON.stringify(problem)).not.toContain('guessed');
    await nats.stop();
  });

  it.each([
    ['a missing Secret', {}, 'SECRET_MISSING'],
    ['a Secret that is just text', { 'nats/auth': 'hunter2' }, 'BUS_MISCONFIGURED'],
  ])('is not contacted with %s', async (_, secrets, code) => {
    const problem: unknown = await publishThrough({ url: 'nats://127.0.0.1:1' } as RunningNats, secrets).catch(
      (error: unknown) => error,
    );
    expect(isSluiceError(problem) && problem.code).toBe(code);
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });
});

describe('an event bus at a blocked address', () => {
  it.each(['nats://169.254.169.254:4222', '169.254.169.254:4222', 'tls://[fd00:ec2::254]:4222'])(
    'is not contacted: %s',
    async (url) => {
      const secrets = { 'nats/auth': 'token: t' };
      const problem: unknown = await publishThrough({ url } as RunningNats, secrets).catch((error: unknown) => error);
      expect(isSluiceError(problem) && problem).toMatchObject({
        code: 'BUS_MISCONFIGURED',
        message: expect.stringContaining('is blocked') as string,
      });
    },
  );
});

describe('an event bus over TLS', () => {
  let nats: RunningNats;
  let secrets: Record<string, string>;
  const caCertSecret = { name: 'tls', key: 'ca' };

  beforeAll(async () => {
    nats = await startNats({ tls: true, requireClientCertificate: false });
    secrets = { 'tls/ca': await readFile(nats.tls?.caPath ?? '', 'utf8') };
  });
  afterAll(() => nats?.stop());

  it('is verified with the CA of the manifest', async () => {
    const outcomes = await publishThrough(nats, secrets, { accessSecret: undefined, tls: { caCertSecret } });
    expect(outcomes).toMatchObject([{ kind: 'published' }]);
  });

  it('is rejected if its certificate cannot be verified, unless the manifest skips verification', async () => {
    const problem: unknown = await publishThrough(nats, secrets, {
      accessSecret: undefined,
      tls: { enabled: true },
    }).catch((error: unknown) => error);
    expect(isSluiceError(problem) && problem.code).toBe('BUS_MISCONFIGURED');
    const trusting = { accessSecret: undefined, tls: { insecureSkipVerify: true } };
    expect(await publishThrough(nats, secrets, trusting)).toMatchObject([{ kind: 'published' }]);
  });

  it('is used unverified for the native bus of Argo Events, which has a self-signed certificate', async () => {
    const bus = await connectBus(
      { namespace: 'argo', name: 'b', spec: { jetstream: { streamConfig: 'replicas: 1' } } },
      secretsFrom(),
      { temporalNamespace: 'default', url: nats.url.replace('tls:', 'nats:') },
    );
    expect(await bus.publishEvents([sampleEvent('native')])).toMatchObject([{ kind: 'published' }]);
    await bus.close();
  });

  it('presents a client certificate if the server requests one', async () => {
    const strict = await startNats({ tls: true, requireClientCertificate: true });
    const read = (path: string | undefined) => readFile(path ?? '', 'utf8');
    const files = {
      'tls/ca': await read(strict.tls?.caPath),
      'tls/cert': await read(strict.tls?.clientCertificatePath),
      'tls/key': await read(strict.tls?.clientKeyPath),
    };
    const tls = {
      caCertSecret,
      clientCertSecret: { name: 'tls', key: 'cert' },
      clientKeySecret: { name: 'tls', key: 'key' },
    };
    const outcomes = await publishThrough(strict, files, { accessSecret: undefined, tls });
    expect(outcomes).toMatchObject([{ kind: 'published' }]);
    await strict.stop();
  });
});

describe('the stream of an event bus', () => {
  it('is retried while the server is down at start, with one clear log line', async () => {
    const nats = await startNats({ own: true });
    await nats.stopKeepingData();
    const lines: string[] = [];
    const connecting = connectTestBus(nats, { log: (_, line) => lines.push(line) });
    await eventually(() => lines.length > 0);
    await nats.restart();
    const bus = await connecting;
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines[0]).toContain('argo/default');
    expect(lines.join()).not.toContain('    at ');
    await bus.close();
    await nats.stop();
  });

  it('stops waiting when aborted', async () => {
    const stop = new AbortController();
    const connecting = connectTestBus(
      { url: 'nats://127.0.0.1:1' },
      { signal: stop.signal, log: () => stop.abort() },
    ).catch((error: unknown) => error);
    const problem = await connecting;
    expect(isSluiceError(problem) && problem.code).toBe('BUS_UNREACHABLE');
  });

  it('is created by streamConfig, with as many replicas as the server supports', async () => {
    const nats = await startNats({ own: true });
    const lines: string[] = [];
    const log = (_: string, line: string): void => void lines.push(line);
    const streamConfig = 'maxAge: 1h\nmaxMsgs: 7\nduplicates: 2h\nreplicas: 3';
    const bus = await connectTestBus(nats, { streamConfig, log });
    await bus.close();
    const client = await connect({ servers: nats.url });
    const manager = await jetstreamManager(client);
    const { config } = await manager.streams.info('default');
    expect(config).toMatchObject({ max_age: 3_600e9, max_msgs: 7, duplicate_window: 3_600e9, num_replicas: 1 });
    expect(lines.some((line) => line.includes('3 replicas'))).toBe(true);

    await client.close();
    await nats.stop();
  });

  it('does not reuse a stream of another purpose', async () => {
    const nats = await startNats({ own: true });
    const client = await connect({ servers: nats.url });
    await (await jetstreamManager(client)).streams.add({ name: 'default', subjects: ['something.else'] });
    const problem: unknown = await connectTestBus(nats).catch((error: unknown) => error);
    expect(isSluiceError(problem) && problem.code).toBe('BUS_MISCONFIGURED');
    await client.close();
    await nats.stop();
  });
});
