import { webcrypto } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import fc from 'fast-check';
import type { KeyRing } from '../../src/payloads/key-ring';
import { readKeyRing } from '../../src/payloads/key-ring';
import { EncryptingCodec, KeylessCodec } from '../../src/payloads/payload-codec';
import { PayloadEncryption } from '../../src/payloads/payload-encryption';
import { keyText, refuseWarnings } from './key-text';

const CANARY = 'canary-4711';

function ring(...keys: readonly string[]): KeyRing {
  const read = readKeyRing({ SLUICE_PAYLOAD_KEYS: keys.join(',') }, { warn: refuseWarnings });
  if (read === undefined) throw new Error('no keys');
  return read;
}

function codec(keys: KeyRing, namespace = 'default', former: readonly string[] = []): EncryptingCodec {
  return new EncryptingCodec(keys, { namespace, accepts: (other) => other === namespace || former.includes(other) });
}

const OLD = `old: ${keyText(1)}`;
const NEW = `new: ${keyText(2)}`;
const plain = (value: unknown): Payload => {
  const payload = defaultPayloadConverter.toPayload(value);
  if (payload === undefined) throw new Error('no payload');
  return payload;
};
const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();
const encryptOne = async (by: EncryptingCodec, value: unknown): Promise<Payload> => {
  const [payload] = await by.encode([plain(value)]);
  if (payload === undefined) throw new Error('no payload');
  return payload;
};

describe('an encrypted payload', () => {
  it('is decrypted unchanged, whatever its content', async () => {
    const keys = codec(ring(NEW));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.jsonValue(), fc.uint8Array())), async (values) => {
        const decoded = await keys.decode(await keys.encode(values.map(plain)));
        expect(decoded.map((payload) => defaultPayloadConverter.fromPayload(payload))).toEqual(
          values.map(plain).map((payload) => defaultPayloadConverter.fromPayload(payload)),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('shows only the id of its key and the namespace, and is unique', async () => {
    const keys = codec(ring(NEW, OLD));
    const [a, b] = [await encryptOne(keys, { CANARY }), await encryptOne(keys, { CANARY })];
    expect(text(a.metadata?.['encoding'])).toBe('binary/encrypted');
    expect(text(a.metadata?.['encryption-key-id'])).toBe('new');
    expect(JSON.stringify(a) + text(a.data)).not.toContain(CANARY);
    expect(text(a.data)).not.toBe(text(b.data));
  });

  it("has the format of Temporal's samples: nonce, ciphertext and tag of AES-256-GCM over a payload", async () => {
    const { data } = await encryptOne(codec(ring(NEW)), CANARY);
    const bytes = Buffer.from(data ?? []);
    const key = await webcrypto.subtle.importKey('raw', Buffer.alloc(32, 2), 'AES-GCM', false, ['decrypt']);
    const additionalData = Buffer.from(JSON.stringify(['binary/encrypted', 'new', 'default']));
    const opened = await webcrypto.subtle.decrypt(
      { name: 'AES-GCM', iv: bytes.subarray(0, 12), additionalData },
      key,
      bytes.subarray(12),
    );
    const payload = temporal.api.common.v1.Payload.decode(new Uint8Array(opened));
    expect(defaultPayloadConverter.fromPayload(payload)).toBe(CANARY);
  });

  it('is decrypted with any key of the list, while the first encrypts, so that keys can be rotated', async () => {
    const before = await encryptOne(codec(ring(OLD)), CANARY);
    for (const keys of [codec(ring(OLD, NEW)), codec(ring(NEW, OLD))]) {
      const [payload] = await keys.decode([before]);
      expect(payload && defaultPayloadConverter.fromPayload(payload)).toBe(CANARY);
    }
  });

  it('causes an error with its key id and advice if that key was removed', async () => {
    const before = await encryptOne(codec(ring(OLD)), CANARY);
    await expect(codec(ring(NEW)).decode([before])).rejects.toMatchObject({
      code: 'PAYLOAD_KEY_MISSING',
      retryable: true,
      message: expect.stringMatching(
        /key "old"; configured keys are new\. Add that key to SLUICE_PAYLOAD_KEYS/,
      ) as string,
    });
  });

  it('is rejected by a process without keys, which passes everything else through', async () => {
    const encrypted = await encryptOne(codec(ring(OLD)), CANARY);
    const keyless = new KeylessCodec();
    await expect(keyless.decode([plain(1), encrypted])).rejects.toMatchObject({
      code: 'PAYLOAD_KEY_MISSING',
      message: expect.stringMatching(
        /key "old", but no payload keys are configured\. Set SLUICE_PAYLOAD_KEYS_FILE/,
      ) as string,
    });
    expect(await keyless.decode([plain(1)])).toEqual([plain(1)]);
    expect(await keyless.encode([plain(1)])).toEqual([plain(1)]);
  });

  it('is rejected permanently if its key has another value, or a bit of it was changed', async () => {
    const encrypted = await encryptOne(codec(ring(OLD)), CANARY);
    const refused = {
      code: 'PAYLOAD_UNREADABLE',
      retryable: false,
      message: expect.stringContaining('key "old"') as string,
    };
    await expect(codec(ring(`old: ${keyText(9)}`)).decode([encrypted])).rejects.toMatchObject(refused);
    for (const at of [0, 12, (encrypted.data?.length ?? 0) - 1]) {
      const data = Uint8Array.from(encrypted.data ?? []);
      data[at] = (data[at] ?? 0) ^ 1;
      await expect(codec(ring(OLD)).decode([{ ...encrypted, data }])).rejects.toMatchObject(refused);
    }
    for (const data of [new Uint8Array(), new Uint8Array(20), undefined]) {
      await expect(codec(ring(OLD)).decode([{ ...encrypted, data }])).rejects.toMatchObject(refused);
    }
  });

  it('is rejected in another Temporal namespace, unless that names the former one', async () => {
    const encrypted = await encryptOne(codec(ring(OLD), 'tenant-a'), CANARY);
    await expect(codec(ring(OLD), 'tenant-b').decode([encrypted])).rejects.toMatchObject({
      code: 'PAYLOAD_UNREADABLE',
      message: expect.stringMatching(
        /namespace "tenant-a", not for "tenant-b".*SLUICE_PAYLOAD_FORMER_NAMESPACES/,
      ) as string,
    });
    expect(await codec(ring(OLD), 'tenant-b', ['tenant-a']).decode([encrypted])).toHaveLength(1);
    const renamed = { ...encrypted.metadata, 'encryption-namespace': Buffer.from('tenant-b') };
    await expect(codec(ring(OLD), 'tenant-b').decode([{ ...encrypted, metadata: renamed }])).rejects.toMatchObject({
      code: 'PAYLOAD_UNREADABLE',
    });
  });

  it('may be mixed with payloads from before encryption', async () => {
    const keys = codec(ring(OLD));
    const decoded = await keys.decode([plain(1), await encryptOne(keys, 2)]);
    expect(decoded.map((payload) => defaultPayloadConverter.fromPayload(payload))).toEqual([1, 2]);
  });
});

describe('the data converter of a client or worker', () => {
  const read = (environment: NodeJS.ProcessEnv): PayloadEncryption =>
    PayloadEncryption.read(environment, { warn: refuseWarnings });
  const owners = new KeylessCodec();
  const theirs = { encode: (payloads: Payload[]) => Promise.resolve(payloads), decode: owners.decode.bind(owners) };

  it('encrypts last and decrypts first, after a codec of the owner that compresses', () => {
    const { payloadCodecs, failureConverterPath } = read({ SLUICE_PAYLOAD_KEYS: NEW }).converterFor('default', {
      payloadCodecs: [theirs],
    });
    expect(payloadCodecs).toEqual([theirs, expect.any(EncryptingCodec)]);
    expect(failureConverterPath).toMatch(/encoded-failures/);
  });

  it('lets the codecs of the owner decrypt without keys of Sluice', () => {
    const { payloadCodecs, failureConverterPath } = read({}).converterFor('default', { payloadCodecs: [theirs] });
    expect(payloadCodecs).toEqual([expect.any(KeylessCodec), theirs]);
    expect(failureConverterPath).toBeUndefined();
  });

  it('encrypts once, however many plugins a worker has', () => {
    const encryption = read({ SLUICE_PAYLOAD_KEYS: NEW });
    const once = encryption.converterFor('default');
    expect(read({ SLUICE_PAYLOAD_KEYS: OLD }).converterFor('default', once).payloadCodecs).toEqual(once.payloadCodecs);
    expect(encryption.converterForReplay(once).payloadCodecs).toHaveLength(1);
  });
});
