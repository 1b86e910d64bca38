/**
 * Trigger `email`: one mail for each recipient, as Argo Events sends them.
 *
 * The Message-ID is derived from the fire and the recipient, so mail systems and readers can recognise a duplicate;
 * served recipients are remembered, so that a retry writes only to the others.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { SluiceError, isSluiceError } from '../errors/sluice-error';
import { unlessAborted } from '../concurrency/open-while-wanted';
import type { EmailTriggerTemplate } from '../manifest/triggers/messages';
import { requireAllowedTargets } from '../clients/allowed-targets';
import { connectGuarded } from '../clients/guarded-socket';
import { ConnectionCache } from '../clients/connection-cache';
import { describeEmailFailure } from './email-failure';
import type { FireRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export type EmailTemplate = Omit<EmailTriggerTemplate, 'parameters'>;

export const emailTrigger: TriggerOf<'email', 'parameters'> = { kind: 'email', create: createEmailTrigger };

interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
}

type Transport = Awaited<ReturnType<typeof openTransport>>;

interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
}

const SUBMISSION_PORT = 587;
const TLS_PORT = 465;
const TIMEOUT_MS = 30_000;
const MAX_REMEMBERED = 10_000;

function createEmailTrigger({ secrets }: TriggerDependencies): Trigger<EmailTemplate> {
  const transports = new ConnectionCache<MailServer, Transport>({
    open: openTransport,
    close: (transport) => Promise.resolve(transport.close()),
  });
  /** Message ids that a server has accepted, oldest first. */
  const sent = new Set<string>();

  async function sendOnce(transport: Transport, mail: Mail): Promise<SluiceError | undefined> {
    if (sent.has(mail.messageId)) return undefined;
    try {
      await transport.sendMail(mail);
    } catch (error) {
      return describeEmailFailure(error, `mail to ${mail.to}`);
    }
    const [oldest] = sent;
    if (sent.size >= MAX_REMEMBERED && oldest !== undefined) sent.delete(oldest);
    sent.add(mail.messageId);
    return undefined;
  }

  return {
    async fire(request) {
      const { template, namespace, signal } = request;
      const mails = composeMails(request);
      const { username: user, smtpPassword } = template;
      const password = smtpPassword ? await secrets.secret(namespace, smtpPassword) : undefined;
      const server: MailServer = { host: template.host, port: template.port || SUBMISSION_PORT, user, password };
      const failures: SluiceError[] = [];
      await transports.use(server, async (transport) => {
        for (const mail of mails) {
          signal.throwIfAborted();
          // The client cannot cancel a mail: the response of a silent server is no longer awaited.
          const failure = await unlessAborted(sendOnce(transport, mail), signal);
          if (failure) failures.push(failure);
        }
      });
      if (failures.length > 0) throw joinFailures(failures);
      return { kind: 'response', summary: `mailed ${mails.map(({ to }) => to).join(', ')} through ${server.host}` };
    },
    preview: (request) => composeMails(request).map((mail) => ({ ...mail })),
    close: () => transports.close(),
  };
}

async function openTransport({ host, port, user, password }: MailServer) {
  await requireAllowedTargets(`the mail server ${host}`, [host.includes(':') ? `[${host}]` : host]);
  const hasCredentials = Boolean(user) && password !== undefined;
  return createTransport({
    getSocket: (_: unknown, callback: (error: Error | null, socket: { connection: Socket } | false) => void) => {
      openSocket(host, port).then(
        (connection) => callback(null, { connection }),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), false),
      );
    },
    host,
    port,
    pool: true,
    maxConnections: 2,
    // The only port on which TLS starts with the connection; everywhere else it is negotiated.
    secure: port === TLS_PORT,
    // As in Go's SMTP client: no password over an unencrypted connection, unless it stays on the machine.
    requireTLS: hasCredentials && !isLoopback(host),
    ...(hasCredentials && { auth: { user: user ?? '', pass: password ?? '' } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** TLS, from the start or later, is left to the client. */
async function openSocket(host: string, port: number): Promise<Socket> {
  const socket = connectGuarded({ host, port });
  const timer = setTimeout(() => socket.destroy(new Error('Connection timeout')), TIMEOUT_MS);
  try {
    await once(socket, 'connect');
    return socket;
  } finally {
    clearTimeout(timer);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function composeMails({ template, fireId }: FireRequest<EmailTemplate>): Mail[] {
  const { from, to = [], subject, body } = template;
  const missing = Object.entries({ from, to: to.join(''), subject, body }).find(([, value]) => !value);
  if (missing || !from || !subject || !body) {
    throw refused(`email.${missing?.[0] ?? 'body'} is empty`, 'Set it, or the parameter that fills it');
  }
  return to.map((recipient) => {
    requireAddress(recipient);
    return { from, to: recipient, subject, text: body, messageId: createMessageId(fireId, recipient, from) };
  });
}

/** Rejects only addresses that would be misread: the mail server knows better which addresses exist. */
function requireAddress(address: string): void {
  if (/^[^\s@,;<>]+@[^\s@,;<>]+$/.test(address)) return;
  throw refused(`email.to holds ${JSON.stringify(address)}, expected an address like name@example.com`, 'Correct it');
}

function createMessageId(fireId: string, recipient: string, from: string): string {
  const digest = createHash('sha256').update(`${fireId}\n${recipient}`).digest('hex').slice(0, 32);
  const domain = /@([^\s>@]+)>?\s*$/.exec(from)?.[1] ?? 'sluice.invalid';
  return `<${digest}@${domain}>`;
}

function refused(message: string, fix: string): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', { message, fix });
}

/** Retryable if a retry helps any recipient: those that have their mail do not get it again. */
function joinFailures(failures: readonly SluiceError[]): SluiceError {
  const [first] = failures;
  if (failures.length === 1 && isSluiceError(first)) return first;
  return new SluiceError(first?.code ?? 'TRIGGER_REFUSED', {
    message: failures.map(({ message }) => message).join('; '),
    fix: failures.find(({ fix }) => fix !== undefined)?.fix,
    retryable: failures.some(({ retryable }) => retryable),
  });
}
