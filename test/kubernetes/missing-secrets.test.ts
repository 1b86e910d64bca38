import { createSecretReader } from '../../src/kubernetes/secret-readers';
import { failureOf } from '../setup/failure';

describe('a Secret that is missing', () => {
  it('is reported with each place that was tried, once', async () => {
    const reader = createSecretReader({ env: { SLUICE_NAMESPACE: 'team-a' } });
    const { message } = await failureOf(reader.secret('team-a', { name: 'redis', key: 'password' }));
    expect(message).toBe(
      'Secret team-a/redis has no key "password" anywhere; looked in: files (SLUICE_SECRETS_DIR is not set); ' +
        'environment SLUICE_SECRET_REDIS_PASSWORD',
    );
  });
});
