import { readEventSourceOptions } from '../../src/manifest/annotations';
import { CredentialMask } from '../../src/sources/webhook-masking';

const MASK = '*** Masked Auth Secret ***';

function maskedAmong(names: readonly string[], annotation?: string): string[] {
  const { options, findings } = readEventSourceOptions(
    annotation === undefined ? undefined : { 'sluice.io/masked-headers': annotation },
  );
  expect(findings).toEqual([]);
  const values = Object.fromEntries(names.map((name) => [name, ['hunter2', 'again']]));
  const applied = new CredentialMask(options.maskedHeaders).headers(values);
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
    'key',
    'app_key',
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
    'X-Sort-Key',
    'X-Error-Code',
    'code',
    '__proto__',
  ];

  it('are masked by name, and no other header is', () => {
    expect(maskedAmong([...credentials, ...others])).toEqual(credentials);
  });

  it('are masked by the additions and removals of the annotation', () => {
    const names = ['Authorization', 'Cookie', 'X-Hub-Signature-256', 'X-Customer'];
    expect(maskedAmong(names, '+x-customer, -X-Hub-*')).toEqual(['Authorization', 'Cookie', 'X-Customer']);
    expect(maskedAmong(names, 'X-Customer')).toEqual(['Authorization', 'X-Customer']);
    expect(maskedAmong(names, '-*')).toEqual(['Authorization']);
    expect(maskedAmong(names, 'x-*-25*')).toEqual(['Authorization', 'X-Hub-Signature-256']);
  });

  it('are masked in a query by more names than in headers', () => {
    const query = {
      code: ['a'],
      key: ['b'],
      SAMLResponse: ['c'],
      api_key: ['d'],
      otp: ['e'],
      page: ['2'],
      codec: ['h264'],
    };
    expect(new CredentialMask().parameters(query)).toEqual({
      ...Object.fromEntries(Object.keys(query).map((name) => [name, [MASK]])),
      page: ['2'],
      codec: ['h264'],
    });
    expect(new CredentialMask({ show: ['code'] }).parameters({ code: ['a'] })).toEqual({ code: ['a'] });
    expect(new CredentialMask({ only: ['x-a'] }).parameters({ code: ['a'] })).toEqual({ code: ['a'] });
  });

  it.each([
    ['https://a.example/in?token=hunter2&page=2', 'https://a.example/in?token=***&page=2'],
    ['https://me:hunter2@a.example/in', 'https://***@a.example/in'],
    ['https://me:hun@ter%402@a.example', 'https://***@a.example'],
    ['/in?page=2&access%5Ftoken=hunter2#code=hunter2', '/in?page=2&access%5Ftoken=***#code=***'],
    ['token=hunter2&page=2', 'token=***&page=2'],
    ['<https://a.example/?key=hunter2>; rel="next"', '<https://a.example/?key=***>; rel="next"'],
    [
      'https://a.example/?next=https%3A%2F%2Fme%3Ahunter2%40b.example%2F%3Fcode%3Dhunter2',
      'https://a.example/?next=https%3A%2F%2F***%40b.example%2F%3Fcode%3D***',
    ],
    ['https://a.example/?q=100%25&broken=%E0%A4', 'https://a.example/?q=100%25&broken=%E0%A4'],
    ['text/html;q=0.9, application/json', 'text/html;q=0.9, application/json'],
    ['ops@a.example', 'ops@a.example'],
  ])('are masked inside URLs: %s', (value, shown) => {
    expect(new CredentialMask().headers({ Referer: [value] })).toEqual({ Referer: [shown] });
    expect(new CredentialMask().parameters({ next: [value] })).toEqual({ next: [shown] });
  });

  it('are masked in URLs, however often they are encoded', () => {
    let value = 'https://a.example/?token=hunter2';
    for (let time = 0; time < 6; time++) {
      value = `https://a.example/?next=${encodeURIComponent(value)}`;
      expect(JSON.stringify(new CredentialMask().headers({ Referer: [value] }))).not.toContain('hunter2');
    }
  });

  it('stay in the URLs of a header that the annotation unmasks', () => {
    const Referer = ['https://a.example/?token=hunter2'];
    expect(new CredentialMask({ show: ['referer'] }).headers({ Referer })).toEqual({ Referer });
  });

  it.each(['', '+', '+X-A,X-B', 'X A', '-Authorization', '+X-A,,+X-B', 'X:Y'])('are not named by %j', (annotation) => {
    const { findings } = readEventSourceOptions({ 'sluice.io/masked-headers': annotation });
    expect(findings).toMatchObject([{ expected: expect.stringContaining('+NAME') as string }]);
  });
});
