import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubernetesAccess } from '../../src/kubernetes/access';
import { createSecretReader } from '../../src/kubernetes/secret-readers';
import { failureOf } from '../setup/failure';
import { openClusterFixture, type ClusterFixture } from './cluster-fixture';

let fixture: ClusterFixture;
let folder: string;

beforeAll(async () => {
  fixture = await openClusterFixture('secrets');
  folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'));
  await mkdir(join(folder, 'redis'));
  await writeFile(join(folder, 'redis', 'password'), 'from a file\n\n');
  await fixture.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'redis' },
    data: { password: Buffer.from('from the API\n').toString('base64'), user: Buffer.from('me').toString('base64') },
  });
  await fixture.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: { level: 'debug\r\n' },
    binaryData: { blob: Buffer.from('bytes').toString('base64') },
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await fixture.close();
});

describe('secrets', () => {
  it('are read from mounted files, then the environment, then the Kubernetes API, without one trailing newline', async () => {
    const { access: kubernetes, namespace } = fixture;
    const password = { name: 'redis', key: 'password' };
    const everywhere = { SLUICE_SECRETS_DIR: folder, SLUICE_SECRET_REDIS_PASSWORD: 'from the environment' };
    const read = (env: NodeJS.ProcessEnv) => createSecretReader({ kubernetes, env }).secret(namespace, password);
    expect(await read(everywhere)).toBe('from a file\n');
    expect(await read({ ...everywhere, SLUICE_SECRETS_DIR: tmpdir() })).toBe('from the environment');
    expect(await read({})).toBe('from the API');
  });

  it('fall back for each key separately', async () => {
    const reader = createSecretReader({ kubernetes: fixture.access, env: { SLUICE_SECRETS_DIR: folder } });
    expect(await reader.secret(fixture.namespace, { name: 'redis', key: 'user' })).toBe('me');
  });

  it('are reported as missing with every place that was tried, and are requested again', async () => {
    const reader = createSecretReader({ kubernetes: fixture.access, env: { SLUICE_SECRETS_DIR: folder } });
    const wanted = { name: 'late-secret', key: 'api.key' };
    const error = await failureOf(reader.secret(fixture.namespace, wanted));
    expect(error).toMatchObject({ code: 'SECRET_MISSING', retryable: true });
    expect(error.message).toContain(`${fixture.namespace}/late-secret`);
    expect(error.message).toContain(join(folder, 'late-secret', 'api.key'));
    expect(error.message).toContain('SLUICE_SECRET_LATE_SECRET_API_KEY');
    expect(error.message).toContain('Kubernetes');
    await fixture.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: wanted.name },
      stringData: { 'api.key': 'x' },
    });
    expect(await reader.secret(fixture.namespace, wanted)).toBe('x');
  });

  it('cannot be used to read files elsewhere', async () => {
    const reader = createSecretReader({ env: { SLUICE_SECRETS_DIR: join(folder, 'redis') } });
    const error = await failureOf(reader.secret('any', { name: '../redis', key: 'password' }));
    expect(error.code).toBe('SECRET_MISSING');
  });

  it('of files and variables belong to one namespace, or to that of their folder', async () => {
    const account = await mkdtemp(join(tmpdir(), 'sluice-account-'));
    await writeFile(join(account, 'namespace'), 'own\n');
    await mkdir(join(folder, 'tenant-b', 'redis'), { recursive: true });
    await writeFile(join(folder, 'tenant-b', 'redis', 'password'), 'of b');
    const password = { name: 'redis', key: 'password' };
    const environment = { SLUICE_SECRETS_DIR: folder, SLUICE_SECRET_OTHER_KEY: 'from the environment' };
    const reader = createSecretReader({ env: environment, serviceAccountDir: account });
    expect(await reader.secret('own', password)).toBe('from a file\n');
    expect(await reader.secret('own', { name: 'other', key: 'key' })).toBe('from the environment');
    expect(await reader.secret('tenant-b', password)).toBe('of b');
    for (const selector of [password, { name: 'other', key: 'key' }]) {
      const error = await failureOf(reader.secret('tenant-c', selector));
      expect(error.code).toBe('SECRET_MISSING');
      expect(error.message).toContain('only for namespace own, see SLUICE_SECRETS_NAMESPACE');
    }
    const read = (namespace: string, set: string) =>
      createSecretReader({
        env: { ...environment, SLUICE_SECRETS_NAMESPACE: set },
        serviceAccountDir: account,
      }).secret(namespace, password);
    expect(await read('tenant-c', '*')).toBe('from a file\n');
    expect(await read('tenant-c', 'tenant-c')).toBe('from a file\n');
    expect((await failureOf(read('own', 'tenant-c'))).code).toBe('SECRET_MISSING');
    await rm(account, { recursive: true });
  });

  it('report missing permissions, and a missing cluster configuration', async () => {
    const { kubernetes, namespace, access } = fixture;
    const token = await kubernetes.serviceAccountToken(namespace, 'nobody');
    const connection = { ...(await access.open()).client.connection, authorization: () => `Bearer ${token}` };
    const forbidden = createKubernetesAccess({ connection });
    const wanted = { name: 'redis', key: 'password' };
    const error = await failureOf(createSecretReader({ kubernetes: forbidden, env: {} }).secret(namespace, wanted));
    expect(error).toMatchObject({ code: 'SECRET_MISSING' });
    expect(error.message).toContain('not allowed');
    forbidden.close();
    const nowhere = createKubernetesAccess({ env: { HOME: folder }, serviceAccountDir: folder });
    const offline = await failureOf(createSecretReader({ kubernetes: nowhere, env: {} }).secret(namespace, wanted));
    expect(offline.message).toContain('not configured');
  });

  it('of an unreachable cluster are not reported as missing', async () => {
    const connection = { ...(await fixture.access.open()).client.connection, server: 'https://127.0.0.1:1' };
    const down = createKubernetesAccess({ connection });
    const error = await failureOf(
      createSecretReader({ kubernetes: down, env: {} }).secret('a', { name: 'b', key: 'c' }),
    );
    expect(error).toMatchObject({ code: 'KUBERNETES_UNREACHABLE', retryable: true });
  });
});

describe('ConfigMaps', () => {
  it('are read the same way, including binary keys', async () => {
    const reader = createSecretReader({ kubernetes: fixture.access, env: { SLUICE_CONFIG_OTHER_KEY: 'env' } });
    expect(await reader.configMap(fixture.namespace, { name: 'settings', key: 'level' })).toBe('debug');
    expect(await reader.configMap(fixture.namespace, { name: 'settings', key: 'blob' })).toBe('bytes');
    expect(await reader.configMap(fixture.namespace, { name: 'other', key: 'key' })).toBe('env');
  });
});
