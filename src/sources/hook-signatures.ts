/** Secrets and signatures in requests, compared in constant time. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `given` is a header as Node decodes it: bytes as Latin-1. */
export function isSameText(given: string, expected: string): boolean {
  const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(Buffer.from(given, 'latin1')), digest(Buffer.from(expected, 'utf8')));
}

/** Whether `given` is `prefix` and the HMAC of the parts, in hexadecimal. */
export function isSignedBy(
  given: string,
  { prefix, algorithm, secret }: { prefix: string; algorithm: 'sha1' | 'sha256'; secret: string },
  ...parts: ReadonlyArray<string | Buffer>
): boolean {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(part);
  return isSameText(given, `${prefix}${hmac.digest('hex')}`);
}
