/** The Redis of outcomes behind passwords, rights and TLS: real servers, secrets from the environment. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import Redis from 'ioredis';
import { startRedis, type RunningRedis } from '../../../dev/servers';
import type { PublishOutcomesRequest } from '../../../src/contract/activities';
import { toApplicationFailure } from '../../../activities/worker/failures';
import { OutcomeStreams } from '../../../activities/outcomes/outcome-streams';
import type { SluiceError } from '../../../src/errors/sluice-error';
import { createSecretReader } from '../../../src/kubernetes/secret-readers';
import type { OutcomeRedisAccess } from '../../../src/manifest/annotations';
import type { FireStatus } from '../../../src/contract/fires';
import { failureOf } from '../../setup/failure';

const PASSWORD = 'correct-horse';
const WRONG = 'wrong-battery';
const WITH_PASSWORD: OutcomeRedisAccess = { password: { name: 'outcomes', key: 'password' } };

const servers: RunningRedis[] = [];
const opened: OutcomeStreams[] = [];
const clients: Redis[] = [];
afterEach(async () => {
  opened.splice(0).forEach((streams) => streams.close());
  clients.splice(0).forEach((client) => client.disconnect());
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(options: NonNullable<Parameters<typeof startRedis>[0]>): Promise<RunningRedis> {
  const server = await startRedis(options);
  servers.push(server);
  return server;
}

/** Somebody with all rights on the server. */
function administrate(server: RunningRedis, url = server.url): Redis {
  const client = new Redis(url, server.tls ? { tls: { ca: readFileSync(server.tls.caPath) } } : {});
  clients.push(client);
  return client;
}

/** @param env what a worker finds; may be changed while the test runs, as a Secret may. */
function openStreams(env: NodeJS.ProcessEnv = {}): OutcomeStreams {
  const streams = new OutcomeStreams(createSecretReader({ env }));
  opened.push(streams);
  return streams;
}

const fire = (id: string): FireStatus => ({
  id,
  trigger: 'detect',
  events: [],
  state: 'Succeeded',
  attempts: 1,
  outcome: { fireId: id, phase: 'Succeeded', message: '', outputs: {} },
});

function request(server: RunningRedis, outcomeRedisAccess?: OutcomeRedisAccess): PublishOutcomesRequest {
  return {
    sensor: { namespace: 'argo', name: 'scenes' },
    bus: { namespace: 'argo', name: 'default', spec: {} },
    runId: 'run/argo/scenes/stac:items:1-0',
    options: {
      parkForMs: 1,
      followOutcome: true,
      outcomeRedis: `${server.host}:${server.port}`,
      ...(outcomeRedisAccess && { outcomeRedisAccess }),
    },
    events: [],
    fires: [],
  };
}

/** With all that a logger or a history could print of it. */
async function refusalOf(work: Promise<unknown>): Promise<SluiceError> {
  const error = await failureOf(work);
  const printed = inspect([error, toApplicationFailure(error)], { depth: Infinity, showHidden: true });
  expect(printed).not.toContain(PASSWORD);
  expect(printed).not.toContain(WRONG);
  return error;
}

describe('the Redis that outcomes are written to', () => {
  it('may require a password', async () => {
    const server = await serve({ password: PASSWORD });
    const streams = openStreams({ SLUICE_SECRET_OUTCOMES_PASSWORD: `${PASSWORD}\n` });
    await streams.add(request(server, WITH_PASSWORD), [fire('1')]);
    expect(await administrate(server).xlen('WATERBODIES')).toBe(1);
  });

  it('may require a user with the minimal permissions', async () => {
    const server = await serve({ password: PASSWORD });
    const rights = ['resetkeys', '~WATERBODIES', '~WATERBODIESFAILURE', '~sluice:*', '+eval', '+set', '+xadd'];
    await administrate(server).call('ACL', 'SETUSER', 'sluice', 'on', `>${PASSWORD}`, ...rights);
    const streams = openStreams({ SLUICE_SECRET_OUTCOMES_PASSWORD: PASSWORD });
    await streams.add(request(server, { ...WITH_PASSWORD, username: 'sluice' }), [fire('1')]);
    expect(await administrate(server).xlen('WATERBODIES')).toBe(1);
  });

  it('is not connected to by a write in flight when the worker ended', async () => {
    const server = await serve({});
    const streams = openStreams();
    const adding = streams.add(request(server), [fire('1')]);
    streams.close();
    expect((await refusalOf(adding)).retryable).toBe(true);
    expect(await administrate(server).xlen('WATERBODIES')).toBe(0);
    expect(String(await administrate(server).client('LIST')).match(/cmd=eval/g)).toBeNull();
  });

  it('may require TLS and a client certificate', async () => {
    const server = await serve({ password: PASSWORD, tls: true, requireClientCertificate: true });
    const { caPath = '', clientCertificatePath = '', clientKeyPath = '' } = server.tls ?? {};
    const streams = openStreams({
      SLUICE_SECRET_OUTCOMES_PASSWORD: PASSWORD,
      SLUICE_SECRET_OUTCOMES_CA: readFileSync(caPath, 'utf8'),
      SLUICE_SECRET_OUTCOMES_CERT: readFileSync(clientCertificatePath, 'utf8'),
      SLUICE_SECRET_OUTCOMES_KEY: readFileSync(clientKeyPath, 'utf8'),
    });
    const key = (name: string) => ({ name: 'outcomes', key: name });
    const access: OutcomeRedisAccess = {
      ...WITH_PASSWORD,
      tls: { enabled: true, caCertSecret: key('ca'), clientCertSecret: key('cert'), clientKeySecret: key('key') },
    };
    await streams.add(request(server, access), [fire('1')]);
    const unknownAuthority = request(server, { ...access, tls: { enabled: true } });
    const error = await refusalOf(streams.add(unknownAuthority, [fire('2')]));
    expect(error).toMatchObject({ code: 'OUTCOME_REFUSED', retryable: true });
  });

  it('gets the pending outcomes once a wrong password is corrected in its Secret', async () => {
    const server = await serve({ password: PASSWORD });
    const env: NodeJS.ProcessEnv = { SLUICE_SECRET_OUTCOMES_PASSWORD: WRONG };
    const streams = openStreams(env);
    const error = await refusalOf(streams.add(request(server, WITH_PASSWORD), [fire('1')]));
    expect(error).toMatchObject({ code: 'OUTCOME_REFUSED', retryable: true });
    for (const said of ['outcome-redis-password-secret', 'argo/outcomes', 'password', 'argo/scenes', 'WRONGPASS']) {
      expect(error.message).toContain(said);
    }
    env['SLUICE_SECRET_OUTCOMES_PASSWORD'] = PASSWORD;
    await streams.add(request(server, WITH_PASSWORD), [fire('1')]);
    expect(await administrate(server).xlen('WATERBODIES')).toBe(1);
  });

  it('is still written to after its password was rotated', async () => {
    const server = await serve({ password: WRONG });
    const env: NodeJS.ProcessEnv = { SLUICE_SECRET_OUTCOMES_PASSWORD: WRONG };
    const streams = openStreams(env);
    await streams.add(request(server, WITH_PASSWORD), [fire('1')]);
    const administrator = administrate(server);
    await administrator.config('SET', 'requirepass', PASSWORD);
    await administrator.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await refusalOf(streams.add(request(server, WITH_PASSWORD), [fire('2')]));
    env['SLUICE_SECRET_OUTCOMES_PASSWORD'] = PASSWORD;
    await streams.add(request(server, WITH_PASSWORD), [fire('2')]);
    expect(await administrator.xlen('WATERBODIES')).toBe(2);
  });

  it('is reconnected when the Secret changes, even while the old connection still works', async () => {
    const server = await serve({ password: PASSWORD });
    const env: NodeJS.ProcessEnv = { SLUICE_SECRET_OUTCOMES_PASSWORD: PASSWORD };
    const streams = openStreams(env);
    await streams.add(request(server, WITH_PASSWORD), [fire('1')]);
    env['SLUICE_SECRET_OUTCOMES_PASSWORD'] = WRONG;
    expect(await refusalOf(streams.add(request(server, WITH_PASSWORD), [fire('2')]))).toMatchObject({
      code: 'OUTCOME_REFUSED',
    });
  });

  it('is not contacted without its Secret, and the error names the annotation', async () => {
    const server = await serve({ password: PASSWORD });
    const error = await refusalOf(openStreams().add(request(server, WITH_PASSWORD), [fire('1')]));
    expect(error).toMatchObject({ code: 'SECRET_MISSING', retryable: true });
    expect(error.message).toContain('sluice.io/outcome-redis-password-secret');
    expect(error.message).toContain('argo/outcomes');
  });

  it.each<[string, OutcomeRedisAccess | undefined, string]>([
    ['requires a password and none is named', undefined, 'NOAUTH'],
    ['does not let the user write', { ...WITH_PASSWORD, username: 'reader' }, 'user reader'],
  ])('causes a clear error if it %s', async (_what, access, said) => {
    const server = await serve({ password: PASSWORD });
    await administrate(server).call('ACL', 'SETUSER', 'reader', 'on', `>${PASSWORD}`, '~*', '+@read', '+eval');
    const streams = openStreams({ SLUICE_SECRET_OUTCOMES_PASSWORD: PASSWORD });
    const error = await refusalOf(streams.add(request(server, access), [fire('1')]));
    expect(error).toMatchObject({ code: 'OUTCOME_REFUSED', retryable: true });
    expect(error.message).toContain(said);
    expect(error.message).toContain('sluice.io/outcome-redis-password-secret');
  });
});
