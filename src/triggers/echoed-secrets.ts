/**
 * A server that rejects a request may echo what it was sent, credentials included. Server texts are useful in errors,
 * so they are kept, and every secret that triggers of the same namespace have used is masked in them. Secrets of other
 * namespaces are not: whoever controls a server could otherwise find them out by guessing.
 */
import { describeError, isSluiceError, SluiceError } from '../errors/sluice-error';
import type { SecretReader } from '../kubernetes/secrets';

const MASK = '***';
/** Masking shorter ones (a user name such as `me`) would break up words. */
const MIN_LENGTH = 6;
/** Limit for each worker; the least recently used are forgotten first. */
const MAX_REMEMBERED = 1_000;

interface Remembered {
  readonly namespace: string;
  /** The latest two: during a rotation, a connection may still use the former. */
  readonly values: readonly string[];
}

export class EchoedSecrets {
  private readonly remembered = new Map<string, Remembered>();

  /** Returns the same reader; every secret that it reads is masked from then on. */
  remember(secrets: SecretReader): SecretReader {
    return {
      secret: async (namespace, selector) => {
        const value = await secrets.secret(namespace, selector);
        this.add(namespace, `${namespace}/${selector.name}/${selector.key}`, value);
        return value;
      },
      configMap: (namespace, selector) => secrets.configMap(namespace, selector),
    };
  }

  /** Runs `act`; errors that it throws hold no secrets. */
  async withoutSecrets<Result>(namespace: string, act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      throw this.maskError(error, namespace);
    }
  }

  mask(text: string, namespace: string): string {
    let masked = text;
    for (const one of this.remembered.values()) {
      if (one.namespace !== namespace) continue;
      for (const form of one.values.flatMap(formsOf)) masked = masked.replaceAll(form, MASK);
    }
    return masked;
  }

  private maskError(error: unknown, namespace: string): unknown {
    if (!isSluiceError(error)) return error;
    const { message, fix, context, cause, retryable, retryAfterMs, object } = error;
    const mask = (text: string): string => this.mask(text, namespace);
    const causes = cause === undefined ? '' : describeError(cause);
    const isClean = [message, fix ?? '', causes, JSON.stringify(context)].every((text) => mask(text) === text);
    if (isClean) return error;
    const values = Object.entries(context).map(([key, value]) => [
      key,
      typeof value === 'string' ? mask(value) : value,
    ]);
    return new SluiceError(error.code, {
      message: mask(message),
      ...(fix !== undefined && { fix: mask(fix) }),
      context: Object.fromEntries(values) as SluiceError['context'],
      ...{ retryable, retryAfterMs, object },
      ...(causes !== '' && { cause: new Error(mask(causes)) }),
    });
  }

  private add(namespace: string, key: string, value: string): void {
    const before = this.remembered.get(key)?.values ?? [];
    this.remembered.delete(key);
    const values = [value, ...before.filter((other) => other !== value)].slice(0, 2);
    this.remembered.set(key, { namespace, values });
    const [oldest] = this.remembered.keys();
    if (this.remembered.size > MAX_REMEMBERED && oldest !== undefined) this.remembered.delete(oldest);
  }
}

/** Each line of a key is masked separately. */
function formsOf(secret: string): string[] {
  return secret
    .split(/\r?\n/)
    .filter((line) => line.length >= MIN_LENGTH && !line.startsWith('-----'))
    .flatMap((line) => {
      const bytes = Buffer.from(line);
      const encoded = [0, 1, 2].map((offset) => insideBase64(bytes, offset));
      return [line, encodeURIComponent(line), JSON.stringify(line).slice(1, -1), ...encoded];
    });
}

/** Returns the part shared by all base64 texts that hold `bytes` at `offset` in a group of three (`user:password`). */
function insideBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}
