import { describeError, SluiceError } from '../../src/errors/sluice-error';
import { EchoedSecrets } from '../../src/triggers/echoed-secrets';
import { secretsFrom } from '../setup/secrets';
import { failureOf } from './trigger-world';

const PASSWORD = 'hunter2/and+more';
const selector = { name: 'mail', key: 'password' };

async function failWith(error: SluiceError, namespace = 'argo'): Promise<SluiceError> {
  const echoed = new EchoedSecrets();
  const reader = echoed.remember(secretsFrom({ 'mail/password': PASSWORD, 'mail/user': 'me' }));
  await reader.secret('argo', selector);
  await reader.secret('argo', { name: 'mail', key: 'user' });
  return await failureOf(echoed.withoutSecrets(namespace, () => Promise.reject(error)));
}

describe('a secret that a server echoes in its error', () => {
  it.each([
    ['as it is', `535 wrong password ${PASSWORD} of me`, '535 wrong password *** of me'],
    ['percent-encoded', `no ${encodeURIComponent(PASSWORD)}`, 'no ***'],
    [
      'in basic auth',
      `no Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`,
      expect.stringMatching(/^no Basic .{4}\*\*\*.{0,4}$/) as string,
    ],
  ])('is replaced in the message: %s', async (_form, message, shown) => {
    const failure = await failWith(new SluiceError('TRIGGER_REFUSED', { message, retryable: true, retryAfterMs: 5 }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', message: shown, retryable: true, retryAfterMs: 5 });
  });

  it('is replaced in causes, advice and context', async () => {
    const cause = new Error('refused', { cause: new Error(`AUTH ${PASSWORD}`) });
    const details = { message: 'not sent', fix: `not ${PASSWORD}`, context: { status: 535, text: PASSWORD }, cause };
    const failure = await failWith(new SluiceError('TRIGGER_UNREACHABLE', details));
    expect(describeError(failure)).toBe('not sent: refused: AUTH ***. not ***');
    expect(failure.context).toEqual({ status: 535, text: '***' });
  });

  it('is not replaced in errors of other namespaces, so that it cannot be guessed', async () => {
    const error = new SluiceError('TRIGGER_REFUSED', { message: `wrong password ${PASSWORD}` });
    expect(await failWith(error, 'elsewhere')).toBe(error);
  });

  it('is the only part of an error that changes', async () => {
    const error = new SluiceError('TRIGGER_REFUSED', { message: 'it is not me', cause: new Error('me too') });
    expect(await failWith(error)).toBe(error);
  });
});
