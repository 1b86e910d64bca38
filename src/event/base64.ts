/** Base64 of UTF-8, in JavaScript that the workflow sandbox has too. Pure. */
const BYTES_PER_CALL = 8_192;

export function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (let at = 0; at < bytes.length; at += BYTES_PER_CALL) {
    binary += String.fromCharCode(...bytes.subarray(at, at + BYTES_PER_CALL));
  }
  return btoa(binary);
}

/** Throws if the text is not base64. */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
