/** A certificate authority for one webhook, and the certificates that it signs. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';

type CryptoKey = webcrypto.CryptoKey;

/** All in PEM. */
export interface ServingCertificate {
  /** What clients trust: the authority, and for a while the one before it. */
  readonly bundle: string;
  readonly authorityKey: string;
  readonly certificate: string;
  readonly key: string;
}

const DAY_MS = 24 * 3_600_000;
const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 90;
/** Long before the end, so that an outage of weeks does no harm. */
const RENEW_AUTHORITY_DAYS = 365;
const RENEW_CERTIFICATE_DAYS = 30;
/** Clocks of machines differ. */
const BACKDATED_MS = 3_600_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };

cryptoProvider.set(webcrypto);

/** Returns the current one while it is good for longer, and for these names; else a new one, of the same authority. */
export async function renewCertificate(
  current: ServingCertificate | undefined,
  names: readonly string[],
  now = new Date(),
): Promise<ServingCertificate> {
  if (current !== undefined && isGood(current, names, now)) return current;
  const authority = await renewAuthority(current, now);
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${names[0] ?? ''}`,
    issuer: authority.certificate.subject,
    ...validity(CERTIFICATE_DAYS, now),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: 'dns', value }) as const),
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  return {
    bundle: authority.bundle,
    authorityKey: await exportKey(authority.key),
    certificate: pem(certificate),
    key: await exportKey(keys.privateKey),
  };
}

/** False also for what cannot be read: it is replaced. */
function isGood({ bundle, certificate }: ServingCertificate, names: readonly string[], now: Date): boolean {
  try {
    const read = new X509Certificate(certificate);
    const authority = firstOf(bundle);
    const served = read.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? [];
    return (
      lastsFor(read, RENEW_CERTIFICATE_DAYS, now) &&
      lastsFor(authority, RENEW_AUTHORITY_DAYS, now) &&
      names.every((name) => served.includes(name)) &&
      read.issuer === authority.subject
    );
  } catch {
    return false;
  }
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly key: CryptoKey;
  readonly bundle: string;
}

async function renewAuthority(current: ServingCertificate | undefined, now: Date): Promise<Authority> {
  const kept = current === undefined ? undefined : await readAuthority(current);
  if (kept !== undefined && lastsFor(kept.certificate, RENEW_AUTHORITY_DAYS, now)) return kept;
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=sluice-admission ${now.toISOString()}`,
    ...validity(AUTHORITY_DAYS, now),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  // Other replicas serve a certificate of the former authority until they have read the new one.
  const former = kept === undefined ? '' : pem(kept.certificate);
  return { certificate, key: keys.privateKey, bundle: `${pem(certificate)}${former}` };
}

async function readAuthority({ bundle, authorityKey }: ServingCertificate): Promise<Authority | undefined> {
  try {
    const der = Buffer.from(authorityKey.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
    return { certificate: firstOf(bundle), key, bundle };
  } catch {
    return undefined;
  }
}

function firstOf(bundle: string): X509Certificate {
  const end = '-----END CERTIFICATE-----';
  return new X509Certificate(`${bundle.split(end)[0] ?? ''}${end}`);
}

function lastsFor({ notBefore, notAfter }: X509Certificate, days: number, now: Date): boolean {
  return notBefore.getTime() <= now.getTime() && notAfter.getTime() - now.getTime() > days * DAY_MS;
}

function validity(days: number, now: Date): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - BACKDATED_MS), notAfter: new Date(now.getTime() + days * DAY_MS) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${(der.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** Positive, as RFC 5280 requires. */
function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
