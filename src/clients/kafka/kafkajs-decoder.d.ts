declare module 'kafkajs/src/protocol/decoder' {
  export default class Decoder {
    readonly buffer: Buffer;
    readonly offset: number;
    readVarInt(): number;
    /** kafkajs reads headers with it, and nothing else. */
    readVarIntArray(read: (decoder: Decoder) => { key: string; value: Buffer | null }): {
      reduce(): Record<string, Buffer | null | Array<Buffer | null>>;
    };
  }
}
