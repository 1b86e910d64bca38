/** `redisStream` → `redis-stream`: the name of the file, the test and the page of a kind. */
export function fileStem(kind: string): string {
  return kind.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
