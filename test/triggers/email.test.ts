import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { createTlsFiles } from '../../dev/tls-certificates';
import { describeError } from '../../src/errors/sluice-error';
import { emailTrigger, type EmailTemplate } from '../../src/triggers/email';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, failureOf, fireRequest } from './trigger-world';

interface ReceivedMail {
  readonly recipients: readonly string[];
  readonly text: string;
  readonly user?: string;
  readonly encrypted: boolean;
}

interface MailServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  stop(): Promise<void>;
}

/** A real SMTP server that keeps what it is sent. */
async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        const recipients = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ recipients, text, user: session.user as string | undefined, encrypted: session.secure });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const HOST = '127.0.0.1';
const content = { from: 'Sluice <sluice@example.com>', subject: 'A new scene', body: 'S2A_10TFK is here.' };
const header = (text: string, name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(text)?.[1]?.trim();

describeTriggerContract<EmailTemplate>({
  factory: emailTrigger,
  hasKey: true,
  asksToWait: false,
  hasShortLimit: false,
  async start() {
    let refuses = false;
    const server = await startMailServer({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username }, _session, done) => done(null, { user: username }),
      onRcptTo: (_address, _session, done) =>
        done(refuses ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null),
    });
    return {
      port: server.port,
      secrets: { 'mail/password': 'open-sesame' },
      leadTo: (port) => ({
        ...{ host: HOST, port, username: 'ada', smtpPassword: { name: 'mail', key: 'password' } },
        ...content,
        to: ['team@example.com'],
      }),
      keys: () => server.mails.map(({ text }) => header(text, 'Message-ID')),
      refuse: () => void (refuses = true),
      stop: () => server.stop(),
    };
  },
});

describe('the email trigger', () => {
  let server: MailServer | undefined;
  const start = async (options?: SMTPServerOptions) => (server = await startMailServer(options));
  afterEach(() => server?.stop());

  async function send(template: EmailTemplate, secrets: Record<string, string> = {}, fireIds = ['fire-1']) {
    const trigger = emailTrigger.create(createTriggerWorld(secrets));
    try {
      const results = [];
      for (const fireId of fireIds) results.push(await trigger.fire(fireRequest(template, { fireId })));
      return results;
    } finally {
      await trigger.close();
    }
  }

  it('sends one mail to each recipient', async () => {
    const { port, mails } = await start();
    const [result] = await send({ host: HOST, port, to: ['ada@example.com', 'bob@example.museum'], ...content });
    expect(mails.map(({ recipients }) => recipients)).toEqual([['ada@example.com'], ['bob@example.museum']]);
    const [mail] = mails;
    expect(header(mail?.text ?? '', 'From')).toBe('Sluice <sluice@example.com>');
    expect(header(mail?.text ?? '', 'Subject')).toBe('A new scene');
    expect(mail?.text).toContain('S2A_10TFK is here.');
    expect(result).toMatchObject({ kind: 'response', summary: expect.stringContaining('ada@example.com') as string });
  });

  it('gives a mail the same Message-ID when it is sent again, even by another worker', async () => {
    const { port, mails } = await start();
    const template = { host: HOST, port, to: ['ada@example.com'], ...content };
    await send(template);
    await send(template);
    await send(template, {}, ['fire-2']);
    const ids = mails.map(({ text }) => header(text, 'Message-ID'));
    expect(ids[0]).toMatch(/^<[0-9a-f]{32}@example\.com>$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('retries only for recipients that have not received the mail', async () => {
    let isBobBusy = true;
    const { port, mails } = await start({
      onRcptTo({ address }, _session, done) {
        const busy = isBobBusy && address.startsWith('bob');
        done(busy ? Object.assign(new Error('mailbox busy'), { responseCode: 450 }) : undefined);
      },
    });
    const trigger = emailTrigger.create(createTriggerWorld());
    const request = fireRequest({ host: HOST, port, to: ['ada@example.com', 'bob@example.com'], ...content });
    const failure = await failureOf(trigger.fire(request));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: true });
    expect(failure.message).toContain('bob@example.com');
    isBobBusy = false;
    await trigger.fire(request);
    await trigger.close();
    expect(mails.map(({ recipients }) => recipients[0])).toEqual(['ada@example.com', 'bob@example.com']);
  });

  it('fails permanently if the server rejects the mail permanently', async () => {
    const { port } = await start({
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    const failure = await failureOf(send({ host: HOST, port, to: ['nobody@example.com'], ...content }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false, context: { status: 550 } });
  });

  it('fails transiently if no server answers', async () => {
    const gone = await startMailServer();
    await gone.stop();
    const failure = await failureOf(send({ host: HOST, port: gone.port, to: ['ada@example.com'], ...content }));
    expect(failure).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
  });

  it.each<[string, Partial<EmailTemplate>]>([
    ['no recipient', { to: [] }],
    ['no sender', { from: '' }],
    ['no subject', { subject: undefined }],
    ['no body', { body: '' }],
    ['an invalid address', { to: ['ada at example.com'] }],
    ['two addresses in one', { to: ['a@example.com, b@example.com'] }],
  ])('rejects %s', async (_case, change) => {
    const failure = await failureOf(send({ host: HOST, port: 1, to: ['ada@example.com'], ...content, ...change }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('previews the mails without sending them', () => {
    const request = fireRequest({ host: HOST, to: ['ada@example.com'], ...content });
    expect(emailTrigger.create(createTriggerWorld()).preview?.(request)).toEqual([
      expect.objectContaining({ to: 'ada@example.com', subject: 'A new scene', text: 'S2A_10TFK is here.' }),
    ]);
  });

  describe('with a password', () => {
    const secrets = { 'mail/password': 'op3n' };
    const login = { username: 'sluice', smtpPassword: { name: 'mail', key: 'password' } };
    const onAuth: SMTPServerOptions['onAuth'] = ({ username, password }, _session, done) =>
      password === 'op3n' ? done(null, { user: username }) : done(new Error('wrong password'));

    it('logs in', async () => {
      const { port, mails } = await start({ onAuth, authOptional: false, allowInsecureAuth: true });
      await send({ host: HOST, port, to: ['ada@example.com'], ...content, ...login }, secrets);
      expect(mails).toEqual([expect.objectContaining({ user: 'sluice' })]);
    });

    it('fails permanently if it is wrong, without showing it', async () => {
      const { port } = await start({ onAuth, authOptional: false, allowInsecureAuth: true });
      const template = { host: HOST, port, to: ['ada@example.com'], ...content, ...login };
      const failure = await failureOf(send(template, { 'mail/password': 'gu3ss' }));
      expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
      expect(describeError(failure)).not.toContain('gu3ss');
    });

    it('uses TLS if the server supports it, and rejects a server that it cannot verify', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sluice-mail-'));
      try {
        const files = await createTlsFiles(folder);
        const [key, cert] = await Promise.all([
          readFile(files.serverKeyPath, 'utf8'),
          readFile(files.serverCertificatePath, 'utf8'),
        ]);
        const { port, mails } = await start({ onAuth, key, cert, disabledCommands: [] });
        const template = { host: HOST, port, to: ['ada@example.com'], ...content, ...login };
        expect(await failureOf(send(template, secrets))).toMatchObject({ code: 'TRIGGER_UNREACHABLE' });
        expect(mails).toHaveLength(0);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
});
