/** Service account tokens live in files that Kubernetes replaces while the worker runs. */
import { readFileSync, statSync } from 'node:fs';
import { SluiceError } from '../errors/sluice-error';

/** Kubernetes rotates the token long before it expires; checking this often is early enough and costs nothing. */
const TOKEN_CHECK_INTERVAL_MS = 10_000;

/** A token in a file that another process replaces from time to time. */
export function createTokenFile(path: string): { read(): string; forget(): void } {
  let token: string | undefined;
  let modifiedMs = 0;
  let checkedMs = 0;
  const refresh = (nowMs: number): string => {
    const { mtimeMs } = statSync(path);
    if (token === undefined || mtimeMs !== modifiedMs) token = readFileSync(path, 'utf8').trim();
    modifiedMs = mtimeMs;
    checkedMs = nowMs;
    return token;
  };
  return {
    read() {
      const nowMs = Date.now();
      if (token !== undefined && nowMs - checkedMs < TOKEN_CHECK_INTERVAL_MS) return token;
      try {
        return refresh(nowMs);
      } catch (cause) {
        throw new SluiceError('KUBERNETES_MISCONFIGURED', { message: `cannot read the token file ${path}`, cause });
      }
    },
    forget() {
      token = undefined;
    },
  };
}
