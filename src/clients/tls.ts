/**
 * What a `tls` block of a manifest means, for every connection: its presence asks for TLS, what it names is used, and
 * `insecureSkipVerify` only stops the check of the server. Validation refuses a block that says nothing, and a client
 * certificate without its key. See docs/decisions/159-one-meaning-of-tls.md.
 */
import type { TlsConfig } from '../manifest/common';
import type { KeySelector } from '../kubernetes/secrets';

/** PEM texts, under the names that Node's TLS uses. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

export type TlsSecret = 'caCertSecret' | 'clientCertSecret' | 'clientKeySecret';

/** Throws what `read` throws. Returns undefined without a block. */
export async function readTls(
  tls: TlsConfig | undefined,
  read: (selector: KeySelector, field: TlsSecret) => Promise<string>,
): Promise<TlsSettings | undefined> {
  if (tls === undefined) return undefined;
  const secret = async (field: TlsSecret) => tls[field] && (await read(tls[field], field));
  const [ca, cert, key] = await Promise.all([
    secret('caCertSecret'),
    secret('clientCertSecret'),
    secret('clientKeySecret'),
  ]);
  return { ca, cert, key, rejectUnauthorized: tls.insecureSkipVerify !== true };
}
