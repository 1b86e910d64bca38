import { readEventSourceOptions } from '../../src/manifest/annotations';
import { CredentialMask } from '../../src/sources/webhook-masking';

const MASK = '*** Masked Auth Secret ***';

function maskedAmong(names: readonly string[], annotation?: string): string[] {
  const { options, findings } = readEventSourceOptions(
    annotation === undefined ? undefined : { 'sluice.io/masked-headers': annotation },
  );
  expect(findings).toEqual([]);
  const values = Object.fromEntries(names.map((name) => [name, ['hunter2', 'again']]));
  const applied = new CredentialMask(options.maskedHeaders).apply(values);
  for (const name of names) expect(applied[name]).toEqual(applied[name]?.[0] === MASK ? [MASK] : ['hunter2', 'again']);
  return names.filter((name) => applied[name]?.[0] === MASK);
}

describe('credentials of callers', () => {
  const credentials = [
    'Authorization',
    'Proxy-Authorization',
    'Cookie',
    'Set-Cookie',
    'X-Api-Key',
    'Apikey',
    'X-Auth-Token',
    'X-Auth-Key',
    'X-Amz-Security-Token',
    'X-Gitlab-Token',
    'Private-Token',
    'X-Csrf-Token',
    'X-Hub-Signature',
    'X-Hub-Signature-256',
    'Stripe-Signature',
    'X-Client-Secret',
    'X-Password',
    'X-Session-Id',
    'Cf-Access-Jwt-Assertion',
    'Ocp-Apim-Subscription-Key',
    'X-Functions-Key',
    'X-Client-Key',
    'Authentication',
    'X-Auth',
    'X-Bearer',
    'X-Shopify-Hmac-Sha256',
    'X-Passphrase',
    'X-Webhook-Pwd',
    'X-User-Pass',
    'X-Hub-Sig',
    'auth',
    'sig',
    'pass',
    'user_pass',
    'access_token',
    'api_key',
  ];
  const others = [
    'Content-Type',
    'Idempotency-Key',
    'Traceparent',
    'Ce-Id',
    'Ce-Source',
    'X-Request-Id',
    'X-Github-Event',
    'X-Github-Delivery',
    'User-Agent',
    'X-Forwarded-For',
    'X-Author',
    'X-Design',
    'X-Passenger',
    'X-Compass',
    'key',
    '__proto__',
  ];

  it('are masked by name, and nothing else is', () => {
    expect(maskedAmong([...credentials, ...others])).toEqual(credentials);
  });

  it('are masked besides or without what the annotation names', () => {
    const names = ['Authorization', 'Cookie', 'X-Hub-Signature-256', 'X-Customer'];
    expect(maskedAmong(names, '+x-customer, -X-Hub-*')).toEqual(['Authorization', 'Cookie', 'X-Customer']);
    expect(maskedAmong(names, 'X-Customer')).toEqual(['Authorization', 'X-Customer']);
    expect(maskedAmong(names, '-*')).toEqual(['Authorization']);
    expect(maskedAmong(names, 'x-*-25*')).toEqual(['Authorization', 'X-Hub-Signature-256']);
  });

  it.each(['', '+', '+X-A,X-B', 'X A', '-Authorization', '+X-A,,+X-B', 'X:Y'])('are not named by %j', (annotation) => {
    const { findings } = readEventSourceOptions({ 'sluice.io/masked-headers': annotation });
    expect(findings).toMatchObject([{ expected: expect.stringContaining('+NAME') as string }]);
  });
});
