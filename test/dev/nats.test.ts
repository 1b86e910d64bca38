import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { startNats, type RunningNats, type StartNatsOptions } from '../../dev/servers';

function connectTo(nats: RunningNats, withIdentity = true): Promise<NatsConnection> {
  const { user, password, token, nkeySeed, credentialsPath } = withIdentity ? nats.identity : {};
  const options: ConnectionOptions = { servers: nats.url, user, pass: password, token, reconnect: false };
  if (nkeySeed !== undefined) options.authenticator = nkeyAuthenticator(Buffer.from(nkeySeed));
  if (credentialsPath !== undefined) options.authenticator = credsAuthenticator(readFileSync(credentialsPath));
  if (nats.tls !== undefined) {
    const { caPath, clientCertificatePath, clientKeyPath } = nats.tls;
    options.tls = { caFile: caPath, certFile: clientCertificatePath, keyFile: clientKeyPath };
  }
  return connect(options);
}

async function publishOne(nats: RunningNats): Promise<number> {
  const connection = await connectTo(nats);
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'events', subjects: ['events.>'] });
    await jetstream(connection).publish('events.one', 'x');
    return (await manager.streams.info('events')).state.messages;
  } finally {
    await connection.close();
  }
}

describe('a NATS server of the launcher', () => {
  const variants: [string, StartNatsOptions][] = [
    ['open to everybody', { own: true }],
    ['with user and password', { authentication: 'password' }],
    ['with a token', { authentication: 'token' }],
    ['with an nkey', { authentication: 'nkey' }],
    ['with a credentials file', { authentication: 'credentials' }],
    ['with TLS', { tls: true }],
    ['with client certificates', { tls: true, requireClientCertificate: true, authentication: 'credentials' }],
  ];

  it.each(variants)('stores a message in a stream: %s', async (_, options) => {
    const nats = await startNats(options);
    try {
      expect(await publishOne(nats)).toBe(1);
    } finally {
      await nats.stop();
    }
  });

  it.each(['password', 'token', 'nkey', 'credentials'] as const)(
    'rejects a client without its %s',
    async (authentication) => {
      const nats = await startNats({ authentication });
      try {
        await expect(connectTo(nats, false)).rejects.toThrow();
      } finally {
        await nats.stop();
      }
    },
  );

  it('limits the size of a message if configured', async () => {
    const nats = await startNats({ maxPayloadBytes: 2048 });
    const connection = await connectTo(nats);
    expect(connection.info?.max_payload).toBe(2048);
    await connection.close();
    await nats.stop();
  });

  it('comes back on the same port with its streams after an outage', async () => {
    const nats = await startNats({ own: true });
    await publishOne(nats);
    await nats.stopKeepingData();
    await expect(connectTo(nats)).rejects.toThrow();
    await nats.restart();
    const connection = await connectTo(nats);
    const manager = await jetstreamManager(connection);
    expect((await manager.streams.info('events')).state.messages).toBe(1);
    await connection.close();
    await nats.stop();
  });
});
