/** Secrets that are looked for afterwards in everything that was written, in every form that text commonly takes. */
import { randomBytes } from 'node:crypto';

interface Canary {
  readonly kind: string;
  readonly forms: ReadonlyArray<{ readonly form: string; readonly needle: Buffer }>;
}

export interface Place {
  readonly name: string;
  readonly content: Buffer | string;
}

export class Canaries {
  private readonly planted: Canary[] = [];

  /** A secret of this kind: letters and digits only, so that no quoting and no percent-encoding changes it. */
  plant(kind: string): string {
    const secret = `canary${randomBytes(12).toString('hex')}`;
    this.keep(kind, secret);
    return secret;
  }

  /** A secret that exists already. Of more than one line, as keys have, each long line counts. */
  keep(kind: string, secret: string): void {
    const lines = secret.split('\n').filter((line) => line.length >= 16 && !line.startsWith('-----'));
    if (lines.length === 0) throw new Error(`${kind} is too short to be searched for`);
    for (const line of lines) this.planted.push({ kind, forms: formsOf(line) });
  }

  get kinds(): string[] {
    return [...new Set(this.planted.map(({ kind }) => kind))];
  }

  /** `kind as form in place`, each once. */
  findIn(places: readonly Place[]): string[] {
    const found = new Set<string>();
    for (const { name, content } of places) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (const { kind, forms } of this.planted) {
        for (const { form, needle } of forms) if (bytes.includes(needle)) found.add(`${kind} as ${form} in ${name}`);
      }
    }
    return [...found].sort();
  }
}

function formsOf(secret: string): Canary['forms'] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const texts = [
    ['plain text', secret],
    ['reversed text', [...secret].reverse().join('')],
    ['hexadecimal', hex],
    ['hexadecimal', hex.toUpperCase()],
    ['percent-encoding', encodeURIComponent(secret)],
    ...[0, 1, 2].flatMap((offset) => {
      const text = insideBase64(bytes, offset);
      return [text, text.replaceAll('+', '-').replaceAll('/', '_')].map((one) => ['base64', one] as const);
    }),
  ] as const;
  return texts
    .filter(([, text], index) => texts.findIndex(([, other]) => other === text) === index)
    .map(([form, text]) => ({ form, needle: Buffer.from(text) }));
}

/** What all base64 texts share in which the bytes begin `offset` bytes after a group of three. */
function insideBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}
