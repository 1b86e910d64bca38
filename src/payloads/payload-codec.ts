/**
 * Encrypts the payloads that Temporal stores: AES-256-GCM, in the format of Temporal's own samples (`binary/encrypted`,
 * nonce, ciphertext, tag). The key's id and the Temporal namespace are stored in clear and authenticated, so a payload
 * copied from another namespace is rejected even if both share a key.
 *
 * Everything runs in this thread: AES takes microseconds per event, less than a hop to another thread.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { SluiceError } from '../errors/sluice-error';
import type { KeyRing } from './key-ring';
import type { PayloadKey } from './payload-keys';

export const ENCRYPTED = 'binary/encrypted';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const FIELDS = { encoding: 'encoding', keyId: 'encryption-key-id', namespace: 'encryption-namespace' } as const;

export interface PayloadScope {
  /** Temporal namespace that payloads are encrypted for. */
  readonly namespace: string;
  /** Returns whether payloads of this namespace are decrypted. */
  accepts(namespace: string): boolean;
}

export class EncryptingCodec implements PayloadCodec {
  constructor(
    private readonly keys: KeyRing,
    private readonly scope: PayloadScope,
  ) {}

  encode(payloads: Payload[]): Promise<Payload[]> {
    return settle(() => payloads.map((payload) => encrypt(payload, this.keys.current(), this.scope.namespace)));
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return settle(() => payloads.map((payload) => this.decodeOne(payload)));
  }

  private decodeOne(payload: Payload): Payload {
    if (!isEncrypted(payload)) return payload;
    const keyId = textOf(payload, FIELDS.keyId);
    const namespace = textOf(payload, FIELDS.namespace);
    const key = this.keys.find(keyId);
    if (key === undefined) throw unknownKey(keyId, this.keys);
    if (!this.scope.accepts(namespace)) {
      throw refusal('PAYLOAD_UNREADABLE', {
        message: `a payload was encrypted for Temporal namespace "${namespace}", not for "${this.scope.namespace}"`,
        fix: 'If the namespace was renamed or moved, name the former one in SLUICE_PAYLOAD_FORMER_NAMESPACES',
      });
    }
    return decrypt(payload, key, namespace);
  }
}

/** For a process without keys: leaves payloads unencrypted, and names the missing key. */
export class KeylessCodec implements PayloadCodec {
  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads);
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return settle(() => {
      const encrypted = payloads.find(isEncrypted);
      if (encrypted !== undefined) throw unknownKey(textOf(encrypted, FIELDS.keyId), undefined);
      return payloads;
    });
  }
}

function encrypt(payload: Payload, { id, key }: PayloadKey, namespace: string): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticated(id, namespace));
  const plain = temporal.api.common.v1.Payload.encode(payload).finish();
  const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return {
    metadata: {
      [FIELDS.encoding]: Buffer.from(ENCRYPTED),
      [FIELDS.keyId]: Buffer.from(id),
      [FIELDS.namespace]: Buffer.from(namespace),
    },
    data,
  };
}

function decrypt({ data }: Payload, { id, key }: PayloadKey, namespace: string): Payload {
  const bytes = Buffer.from(data ?? []);
  try {
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(authenticated(id, namespace));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return temporal.api.common.v1.Payload.decode(Buffer.concat(plain));
  } catch (cause) {
    throw refusal('PAYLOAD_UNREADABLE', {
      message: `a payload cannot be decrypted with key "${id}": that key has another value here, or the payload was changed`,
      fix: `Compare the value of key "${id}" with that of the other workers`,
      cause,
    });
  }
}

/** JSON, so that different pairs of id and namespace never give the same bytes. */
function authenticated(keyId: string, namespace: string): Buffer {
  return Buffer.from(JSON.stringify([ENCRYPTED, keyId, namespace]));
}

function isEncrypted(payload: Payload): boolean {
  return textOf(payload, FIELDS.encoding) === ENCRYPTED;
}

function textOf({ metadata }: Payload, field: string): string {
  return Buffer.from(metadata?.[field] ?? []).toString();
}

function unknownKey(id: string, keys: KeyRing | undefined): SluiceError {
  const name = id === '' ? 'a key without an id' : `key "${id.slice(0, 64)}"`;
  return keys === undefined
    ? refusal('PAYLOAD_KEY_MISSING', {
        message: `a payload is encrypted with ${name}, but no payload keys are configured`,
        fix: 'Set SLUICE_PAYLOAD_KEYS_FILE or SLUICE_PAYLOAD_KEYS as for the workers',
      })
    : refusal('PAYLOAD_KEY_MISSING', {
        message: `a payload is encrypted with ${name}; configured keys are ${keys.ids().join(', ')}`,
        fix: `Add that key to ${keys.origin}, behind the first; a key is needed for as long as Temporal keeps what it encrypted`,
      });
}

/** The message contains the fix, because the SDK copies only the message into the failure of a task. */
function refusal(
  code: 'PAYLOAD_KEY_MISSING' | 'PAYLOAD_UNREADABLE',
  { message, fix, cause }: { readonly message: string; readonly fix: string; readonly cause?: unknown },
): SluiceError {
  return new SluiceError(code, { message: `${message}. ${fix}`, cause });
}

/** Turns an exception of `work` into a rejection. */
function settle<Value>(work: () => Value): Promise<Value> {
  return new Promise((resolve) => resolve(work()));
}
