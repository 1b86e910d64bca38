import { Canaries } from './canaries';

describe('the search for canaries', () => {
  const canaries = new Canaries();
  const secret = canaries.plant('password');
  const find = (content: Buffer | string) => canaries.findIn([{ name: 'log', content }]);

  it.each([
    ['plain text', `{"password":"${secret}"}`],
    ['hexadecimal', Buffer.from(`:${secret}`).toString('hex')],
    ['hexadecimal', Buffer.from(secret).toString('hex').toUpperCase()],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64', Buffer.from(`u:${secret}`).toString('base64')],
    ['base64', Buffer.from(`{"a":"${secret}","b":1}`).toString('base64url')],
    ['base64', Buffer.from(`user:${secret}\n`).toString('base64')],
  ])('finds one as %s', (form, text) => {
    expect(find(text)).toEqual([`password as ${form} in log`]);
  });

  it('finds each line of a key, and nothing in other bytes', () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'MIGHAgEAMBMGByqGSM49'}\n${'zj0CAQYIKoZIzj0DAQc'}\n-----END PRIVATE KEY-----\n`;
    canaries.keep('key', key);
    expect(find(JSON.stringify({ key }))).toEqual(['key as plain text in log']);
    expect(find('zj0CAQYIKoZIzj0DAQc')).toEqual(['key as plain text in log']);
    expect(find(Buffer.from(new Canaries().plant('another')))).toEqual([]);
  });
});
