/** The `tls` block that several kinds of triggers share, with its secrets read. */
import type { TlsConfig } from '../manifest/common';
import type { KeySelector, SecretReader } from '../kubernetes/secrets';

/** PEM texts, under the names that Node's TLS uses. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

/** Throws SECRET_MISSING for a secret that cannot be read. Returns undefined without a block. */
export async function readTls(
  tls: TlsConfig | undefined,
  namespace: string,
  secrets: SecretReader,
): Promise<TlsSettings | undefined> {
  if (tls === undefined) return undefined;
  // As in Argo Events: without verification, no certificates are needed.
  if (tls.insecureSkipVerify) return { rejectUnauthorized: false };
  const read = async (selector: KeySelector | undefined) =>
    selector === undefined ? undefined : secrets.secret(namespace, selector);
  const [ca, cert, key] = await Promise.all([
    read(tls.caCertSecret),
    read(tls.clientCertSecret),
    read(tls.clientKeySecret),
  ]);
  return { ca, cert, key, rejectUnauthorized: true };
}
