/** One real server of every kind that Sluice gives a secret to, each with secrets that only this test knows. */
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { startKafka, type RunningKafka } from '../../dev/kafka';
import { startNats, startRedis, type RunningNats, type RunningRedis } from '../../dev/servers';
import { createTlsFiles } from '../../dev/tls-certificates';
import { createStrangerKey, startGitServers, type GitServers } from '../triggers/resource-sources/git-servers';
import { startS3Server, type S3Server } from '../triggers/resource-sources/s3-server';
import type { Canaries } from './canaries';
import { startHostileReceiver, type HostileReceiver } from './hostile-receiver';

/** Key of the one Secret that all manifests name → value. */
export type PlantedSecrets = Readonly<Record<string, string>>;

export interface CanaryServers {
  readonly nats: RunningNats;
  /** Of the user that may see all. */
  readonly natsAdmin: { readonly user: string; readonly pass: string };
  readonly redis: RunningRedis;
  readonly kafka: RunningKafka;
  readonly git: GitServers;
  readonly s3: S3Server;
  readonly mail: { readonly port: number; readonly users: readonly string[] };
  readonly http: HostileReceiver;
  /** Wants a client certificate. */
  readonly https: HostileReceiver;
  readonly secrets: PlantedSecrets;
  stop(): Promise<void>;
}

const WORKFLOW = JSON.stringify({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { generateName: 'from-s3-' },
  spec: { entrypoint: 'main' },
});

export async function startCanaryServers(canaries: Canaries): Promise<CanaryServers> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-canary-servers-'));
  const running: Array<() => Promise<unknown>> = [() => rm(folder, { recursive: true })];
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((end) => end()));
  };
  const keep = async <Server>(
    starting: Promise<Server>,
    end: (server: Server) => Promise<unknown>,
  ): Promise<Server> => {
    const server = await starting;
    running.push(() => end(server));
    return server;
  };
  try {
    const files = await createTlsFiles(folder);
    const read = (path: string): Promise<string> => readFile(path, 'utf8');
    const secrets = {
      'redis-password': canaries.plant('Redis password'),
      'bus-password': canaries.plant('bus password'),
      'nats-password': canaries.plant('NATS password of a trigger'),
      'kafka-password': canaries.plant('Kafka SASL password'),
      'git-password': canaries.plant('git password'),
      's3-secret': canaries.plant('S3 secret key'),
      'mail-password': canaries.plant('e-mail password'),
      'slack-token': canaries.plant('Slack token'),
      'http-password': canaries.plant('HTTP basic auth password'),
      'http-header': canaries.plant('HTTP header from a Secret'),
      'webhook-token': canaries.plant('webhook token'),
      'broken-header': `${canaries.plant('header with a line break')}\nX-Injected: yes`,
      'broken-key': `-----BEGIN PRIVATE KEY-----\n${canaries.plant('private key that is none')}\n-----END PRIVATE KEY-----\n`,
      'wrong-password': canaries.plant('password that every server refuses'),
      'stranger-key': createStrangerKey(),
      'tls-ca': await read(files.caPath),
      'tls-cert': await read(files.clientCertificatePath),
      'tls-key': await read(files.clientKeyPath),
      'webhook-cert': await read(files.serverCertificatePath),
      'webhook-key': await read(files.serverKeyPath),
    };
    canaries.keep('client key', secrets['tls-key']);
    canaries.keep('webhook key', secrets['webhook-key']);
    canaries.keep('SSH key that no server knows', secrets['stranger-key']);
    const natsAdmin = { user: 'admin', pass: canaries.plant('NATS password of the administrator') };
    const users = [
      [natsAdmin.user, natsAdmin.pass],
      ['bus', secrets['bus-password']],
      ['trigger', secrets['nats-password']],
    ].map(([user = '', password = '']) => `{ user: "${user}", password: "${password}" }`);
    const endIt = (server: { stop(): Promise<void> }): Promise<void> => server.stop();
    const closeIt = (server: { close(): Promise<void> }): Promise<void> => server.close();
    const starting = [
      keep(startNats({ own: true, configuration: `authorization { users: [ ${users.join(', ')} ] }` }), endIt),
      keep(startRedis({ own: true, password: secrets['redis-password'] }), endIt),
      keep(
        startKafka({
          topic: 'scenes',
          sasl: { mechanism: 'PLAIN', username: 'sluice', password: secrets['kafka-password'] },
        }),
        endIt,
      ),
      keep(startGitServers({ username: 'reader', password: secrets['git-password'] }), closeIt),
      keep(startS3Server({ reader: secrets['s3-secret'] }, { '/bucket/one.json': WORKFLOW }), closeIt),
      keep(startMailServer(secrets['mail-password']), endIt),
      keep(startHostileReceiver(), endIt),
      keep(
        startHostileReceiver({
          key: await read(files.serverKeyPath),
          cert: secrets['webhook-cert'],
          ca: secrets['tls-ca'],
          requestCert: true,
        }),
        endIt,
      ),
    ] as const;
    // All have started or failed before the first failure is reported, so that all can be ended.
    await Promise.allSettled(starting);
    const [nats, redis, kafka, git, s3, mail, http, https] = await Promise.all(starting);
    canaries.keep('SSH key', git.clientKey);
    return {
      nats,
      natsAdmin,
      redis,
      kafka,
      git,
      s3,
      mail,
      http,
      https,
      secrets: { ...secrets, 'ssh-key': git.clientKey },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Repeats the password that it refuses, as no server should. */
async function startMailServer(expected: string): Promise<CanaryServers['mail'] & { stop(): Promise<void> }> {
  const users: string[] = [];
  const server = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username = '', password }, _session, done) =>
      password === expected
        ? done(null, { user: username })
        : done(new Error(`wrong password ${password} of ${username}`)),
    onData: (stream, session, done) => {
      users.push(String(session.user));
      stream.resume().once('end', () => done());
    },
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  const { port } = listening.address() as AddressInfo;
  return { port, users, stop: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}
