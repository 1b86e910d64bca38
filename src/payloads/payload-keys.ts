/** Reads a list of payload keys: `id: base64`, one per line; the first one encrypts. Pure. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { SluiceError } from '../errors/sluice-error';

export interface PayloadKey {
  /** Stored in clear with every payload that this key encrypted. */
  readonly id: string;
  readonly key: KeyObject;
}

/** The first encrypts, all decrypt. */
export type PayloadKeys = readonly [PayloadKey, ...PayloadKey[]];

/** AES-256. */
const KEY_BYTES = 32;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Lines may begin with `- `, and `#` begins a comment; in an environment variable commas also separate keys. Messages
 * quote nothing but valid ids: text in a wrong place may be a key.
 * @param origin file or variable, for messages
 * @throws SluiceError PAYLOAD_KEYS_INVALID
 */
export function parsePayloadKeys(text: string, origin: string): PayloadKeys {
  const refuse = (message: string, fix: string): SluiceError =>
    new SluiceError('PAYLOAD_KEYS_INVALID', { message: `${origin}: ${message}`, fix });
  const keys: PayloadKey[] = [];
  for (const [index, line] of text.split(/\r?\n|,/).entries()) {
    const entry = line.replace(/#.*$/, '').trim().replace(/^-\s+/, '');
    if (entry === '') continue;
    const place = `entry ${index + 1}`;
    const [id = '', value = '', ...rest] = entry.split(':').map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'));
    if (!ID.test(id) || value === '' || rest.length > 0) {
      throw refuse(
        `${place} is not of the form "id: base64"`,
        'Write one "id: base64" per line; an id has up to 64 letters, digits, ".", "_" and "-"',
      );
    }
    if (keys.some((key) => key.id === id)) {
      throw refuse(`key id "${id}" is listed twice`, 'Give every key an id of its own; an id is never used again');
    }
    const bytes = BASE64.test(value) ? Buffer.from(value, 'base64') : undefined;
    if (bytes?.length !== KEY_BYTES) {
      throw refuse(
        bytes === undefined
          ? `key "${id}" is not base64`
          : `key "${id}" has ${bytes.length} bytes, expected ${KEY_BYTES}`,
        'Generate one with: openssl rand -base64 32',
      );
    }
    keys.push({ id, key: createSecretKey(bytes) });
  }
  const [first, ...others] = keys;
  if (first === undefined) {
    throw refuse('there is no key', 'Write "id: base64", with a key generated with: openssl rand -base64 32');
  }
  return [first, ...others];
}
