/** Secrets and certificate of a webhook, read again while it listens: a rotated Secret needs no restart. */
import { describeError, isSluiceError, SluiceError } from '../errors/sluice-error';
import type { SecretKeySelector } from '../manifest/common';
import type { WebhookContext } from '../manifest/sources/shared';
import type { SourceContext } from './source';
import type { ServerCertificate } from './webhook-server';

/** Short compared with a rotation, long compared with a burst. The Secret reader caches responses for up to 10 s. */
const TOKEN_FOR_MS = 1_000;
export const CERTIFICATE_EVERY_MS = 5_000;
const TOKEN_EVERY_MS = 5_000;

/** Watches the secrets that the manifest names, by field. */
export function watchedSecrets(
  fields: Readonly<Record<string, SecretKeySelector | undefined>>,
  context: SourceContext,
): readonly WatchedSecret[] {
  return Object.entries(fields).flatMap(([field, selector]) =>
    selector === undefined ? [] : [new WatchedSecret(field, selector, context)],
  );
}

export class WatchedSecret {
  private latest: { readonly value: string; readonly readAt: number } | undefined;
  private reading: Promise<string> | undefined;
  private problemText: string | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    /** The field of the manifest that names the Secret. */
    readonly field: string,
    private readonly selector: SecretKeySelector,
    private readonly context: SourceContext,
  ) {}

  /**
   * While the API server is unreachable, the last value stays valid: its outage is no reason to refuse callers. Throws
   * SECRET_MISSING if the Secret was deleted.
   */
  async read(): Promise<string> {
    if (this.latest && performance.now() - this.latest.readAt < TOKEN_FOR_MS) return this.latest.value;
    this.reading ??= this.readAgain().finally(() => (this.reading = undefined));
    return await this.reading;
  }

  /** Returns why every caller is refused; undefined while it can be compared. */
  problem(): string | undefined {
    return this.problemText;
  }

  /** Polls it, so that a deleted Secret is reported before a request arrives. */
  watch(): void {
    this.timer ??= setInterval(() => void this.read().catch(() => undefined), TOKEN_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async readAgain(): Promise<string> {
    const { secrets, namespace, log } = this.context;
    try {
      const value = (await secrets.secret(namespace, this.selector)).trim();
      if (value === '') throw isEmpty(namespace, this.selector);
      if (this.latest !== undefined && this.latest.value !== value)
        log('info', `the Secret of ${this.field} was rotated`);
      this.latest = { value, readAt: performance.now() };
      this.problemText = undefined;
      return value;
    } catch (error) {
      if (this.latest === undefined || (isSluiceError(error) && error.code === 'SECRET_MISSING')) {
        this.problemText = `all requests are refused, as the Secret of ${this.field} cannot be read: ${describeError(error)}`;
        throw error;
      }
      this.latest = { value: this.latest.value, readAt: performance.now() };
      return this.latest.value;
    }
  }
}

/** What anybody can send or sign with must not open the source. */
function isEmpty(namespace: string, { name, key }: SecretKeySelector): SluiceError {
  return new SluiceError('SECRET_MISSING', {
    message: `Secret ${namespace}/${name}: the value of key "${key}" is empty`,
    fix: `Write the value that callers know: kubectl -n ${namespace} edit secret ${name}`,
    context: { kind: 'Secret', namespace, name, key },
  });
}

/** Returns undefined for a webhook without TLS. Throws SECRET_MISSING. */
export async function readCertificate(
  { serverCertSecret, serverKeySecret }: WebhookContext,
  { secrets, namespace }: SourceContext,
): Promise<ServerCertificate | undefined> {
  if (!serverCertSecret || !serverKeySecret) return undefined;
  const [cert, key] = await Promise.all([
    secrets.secret(namespace, serverCertSecret),
    secrets.secret(namespace, serverKeySecret),
  ]);
  const origin = [namespace, serverCertSecret.name, serverCertSecret.key].join('/');
  return { origin, cert, key };
}

/** Passes on each changed certificate, until `signal` aborts. */
export class CertificateWatch {
  private problemText: string | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly spec: WebhookContext,
    private readonly context: SourceContext,
    private current: ServerCertificate,
    private readonly replace: (certificate: ServerCertificate) => void,
  ) {
    this.timer = setInterval(() => void this.look(), CERTIFICATE_EVERY_MS).unref();
  }

  problem(): string | undefined {
    return this.problemText;
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async look(): Promise<void> {
    try {
      const next = await readCertificate(this.spec, this.context);
      if (this.timer === undefined || next === undefined) return;
      if (next.cert !== this.current.cert || next.key !== this.current.key) {
        // Throws while only one of the two is rotated; the old pair stays in use.
        this.replace(next);
        this.current = next;
        this.context.log('info', 'the certificate of serverCertSecret was rotated; new connections get the new one');
      }
      this.problemText = undefined;
    } catch (error) {
      // The cause is never shown: OpenSSL may quote its input.
      const reason = isSluiceError(error) ? describeError(error) : 'certificate and key do not match';
      const text = `the certificate cannot be renewed, the former one is served: ${reason}`;
      if (this.problemText !== text) this.context.log('warn', text);
      this.problemText = text;
    }
  }
}
