import { resolveHostAlias } from '../../../src/clients/redis/host-aliases';

describe('host aliases', () => {
  const environment = { SLUICE_HOST_ALIASES: 'redis-service:6379=127.0.0.1:6390, nats:4222=10.0.0.1:4222' };

  it.each([
    ['redis-service:6379', '127.0.0.1:6390'],
    ['nats:4222', '10.0.0.1:4222'],
    ['redis-service:6380', 'redis-service:6380'],
    ['other', 'other'],
  ])('maps %s to %s', (address, expected) => {
    expect(resolveHostAlias(address, environment)).toBe(expected);
  });

  it('leaves every address unchanged if none is set', () => {
    expect(resolveHostAlias('redis-service:6379', {})).toBe('redis-service:6379');
  });
});
