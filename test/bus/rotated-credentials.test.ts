import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { createOperatorMode } from '../../dev/nats-credentials';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { connectBus } from '../../src/bus/connect';
import { eventually } from '../setup/eventually';
import { secretsFrom } from '../setup/secrets';
import { sampleEvent } from './bus-fixture';

const SECRET = 'nats/auth';

/** A server whose users are in a file of their own, and a bus whose Secret can be changed. */
describe('credentials of an event bus that change while a worker runs', () => {
  let folder: string;
  let nats: RunningNats;
  let bus: Bus;
  let secrets: Record<string, string>;
  const logged: string[] = [];

  afterEach(async () => {
    await bus?.close();
    await nats?.stop();
    await rm(folder, { recursive: true, force: true });
    logged.length = 0;
  });

  async function open(users: string, secret: string): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'sluice-nats-users-'));
    await writeFile(join(folder, 'users.conf'), users);
    // The server looks for an included file below its own folder only.
    const configuration = `pid_file: "${join(folder, 'pid')}"\ninclude "../${basename(folder)}/users.conf"`;
    nats = await startNats({ own: true, configuration });
    secrets = { [SECRET]: secret };
    const spec = {
      jetstreamExotic: { url: nats.url, accessSecret: { name: 'nats', key: 'auth' }, streamConfig: 'replicas: 1' },
    };
    const log = (_level: string, message: string): void => void logged.push(message);
    bus = await connectBus({ namespace: 'argo', name: 'b', spec }, secretsFrom(secrets), {
      ...{ temporalNamespace: 'default', log },
    });
    expect(await publish('before')).toBe('published');
  }

  async function reload(users: string): Promise<void> {
    await writeFile(join(folder, 'users.conf'), users);
    process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGHUP');
  }

  async function publish(id: string): Promise<string | undefined> {
    const [outcome] = await bus.publishEvents([sampleEvent(id)], { patienceMs: 60_000 });
    return outcome?.kind;
  }

  const [oldKey, newKey] = [nkeys.createUser(), nkeys.createUser()];
  const seedOf = (key: typeof oldKey): string => Buffer.from(key.getSeed()).toString('ascii');
  const usersOf = (key: typeof oldKey): string => `authorization { users: [ { nkey: "${key.getPublicKey()}" } ] }`;
  const userAndPassword = (user: string, password: string): [string, string] => [
    `authorization { user: "${user}", password: "${password}" }`,
    `username: ${user}\npassword: ${password}`,
  ];

  it.each<[string, [string, string], [string, string]]>([
    ['a password', userAndPassword('ada', 'old-password'), userAndPassword('ada', 'new-password')],
    ['a user', userAndPassword('ada', 'password'), userAndPassword('bob', 'password')],
    [
      'a token',
      ['authorization { token: "old-token" }', 'token: old-token'],
      ['authorization { token: "new-token" }', 'token: new-token'],
    ],
    ['an nkey', [usersOf(oldKey), seedOf(oldKey)], [usersOf(newKey), seedOf(newKey)]],
    ['a password with a token', userAndPassword('ada', 'password'), ['authorization { token: "t" }', 'token: t']],
  ])('are used after %s was replaced, first in the Secret', async (_, [oldUsers, oldSecret], [users, secret]) => {
    await open(oldUsers, oldSecret);
    secrets[SECRET] = secret;
    await reload(users);
    await eventually(() => !bus.isConnected());
    expect(await publish('after')).toBe('published');
    expect(bus.problem()).toBeUndefined();
  });

  it('are used when the Secret changes after the server, and until then the rejection is shown', async () => {
    const [users, secret] = userAndPassword('ada', 'new-password');
    await open(...userAndPassword('ada', 'old-password'));
    await reload(users);
    const problem = await eventually(() => bus.problem()?.includes('refused the credentials') && bus.problem());
    expect(problem).not.toContain('password');
    expect(logged.filter((line) => line.includes('refused the credentials'))).toHaveLength(1);
    secrets[SECRET] = secret;
    expect(await publish('after')).toBe('published');
    expect(bus.problem()).toBeUndefined();
  });

  it('stay the former ones while the Secret cannot be read', async () => {
    const [users, secret] = userAndPassword('ada', 'password');
    await open(users, secret);
    delete secrets[SECRET];
    await nats.restart();
    await eventually(() => logged.some((line) => line.includes('cannot be read again')));
    expect(await publish('after')).toBe('published');
  });

  it('are read again when the JWT of a credentials file has expired', async () => {
    const operator = createOperatorMode();
    const soon = new Date(Date.now() + 4_000);
    await open(operator.configuration, operator.issue(soon));
    secrets[SECRET] = operator.credentials;
    await eventually(() => !bus.isConnected());
    expect(await publish('after')).toBe('published');
  });
});
