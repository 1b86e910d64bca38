/** Adds the encryption of payloads to clients and workers. */
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { readKeyRing, type KeyRing, type KeyRingOptions } from './key-ring';
import { EncryptingCodec, KeylessCodec, type PayloadScope } from './payload-codec';

const ENCODED_FAILURES = require.resolve('./encoded-failures');

export class PayloadEncryption {
  private constructor(
    private readonly keys: KeyRing | undefined,
    private readonly formerNamespaces: readonly string[],
  ) {}

  /** @throws SluiceError PAYLOAD_KEYS_INVALID */
  static read(environment: NodeJS.ProcessEnv, options: KeyRingOptions): PayloadEncryption {
    const former = environment['SLUICE_PAYLOAD_FORMER_NAMESPACES'] ?? '';
    const names = former.split(',').map((name) => name.trim());
    return new PayloadEncryption(
      readKeyRing(environment, options),
      names.filter((name) => name !== ''),
    );
  }

  /** Ids of the keys, the encrypting one first; empty without encryption. */
  get keyIds(): readonly string[] {
    return this.keys?.ids() ?? [];
  }

  /** For `bundleWorkflowCode`: failures of workflows are converted inside the bundle. */
  get failureConverterPath(): string | undefined {
    return this.keys && ENCODED_FAILURES;
  }

  /** Never adds encryption twice: with two plugins, or a client of a worker, the SDK passes the earlier result. */
  converterFor(namespace: string, owners?: DataConverter): DataConverter {
    return this.extend(owners, this.scopeOf(namespace));
  }

  /** A history that is replayed does not name the namespace that it comes from. */
  converterForReplay(owners?: DataConverter): DataConverter {
    return this.extend(owners, { namespace: 'replay', accepts: () => true });
  }

  /** Encrypts and decrypts without a client. */
  codecFor(namespace: string): PayloadCodec {
    return this.keys ? new EncryptingCodec(this.keys, this.scopeOf(namespace)) : new KeylessCodec();
  }

  private scopeOf(namespace: string): PayloadScope {
    return { namespace, accepts: (other) => other === namespace || this.formerNamespaces.includes(other) };
  }

  private extend(owners: DataConverter | undefined, scope: PayloadScope): DataConverter {
    const codecs = owners?.payloadCodecs ?? [];
    if (codecs.some((codec) => codec instanceof EncryptingCodec || codec instanceof KeylessCodec)) return { ...owners };
    // Without keys the owner's codecs decode first: `binary/encrypted` may be theirs.
    if (this.keys === undefined) return { ...owners, payloadCodecs: [new KeylessCodec(), ...codecs] };
    return {
      failureConverterPath: ENCODED_FAILURES,
      ...owners,
      payloadCodecs: [...codecs, new EncryptingCodec(this.keys, scope)],
    };
  }
}
