declare module 'snappyjs' {
  export function compress(plain: Buffer): Buffer;
  /** Throws if the result would have more than `most` bytes. */
  export function uncompress(compressed: Buffer, most?: number): Buffer;
}
