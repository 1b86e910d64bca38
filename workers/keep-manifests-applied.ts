/**
 * Applies a folder of manifests, and again whenever its files change: for clusters where manifests come as a mounted
 * ConfigMap, and nobody runs the command. Does what `sluice apply -f <folder>` does.
 */
import { createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { apply } from '../src/cli/commands/apply';
import type { CliIo } from '../src/cli/io';
import { createOutput, type Output } from '../src/cli/printing/output';
import { describeError } from '../src/errors/sluice-error';
import { findManifestFiles } from '../src/validation/manifest-files';

/** A ConfigMap takes about a minute to reach its pods; looking more often would show nothing sooner. */
const LOOK_EVERY_MS = 5_000;

/**
 * Resolves once `signal` aborts. What cannot be applied is logged and tried again: the worker of the other task queue,
 * the cluster or a Secret may still be on its way. What vanishes from the folder goes on running until `sluice delete`.
 */
export async function keepManifestsApplied(folder: string, log: Logger, signal: AbortSignal): Promise<void> {
  const io = silentIo(signal);
  const output = logOutput(io, log);
  let applied: string | undefined;
  let complaint: string | undefined;
  while (!signal.aborted) {
    const found = await fingerprint(folder, io);
    if (found !== applied) {
      try {
        await apply({ filename: [folder] }, output, io);
        [applied, complaint] = [found, undefined];
      } catch (error) {
        const text = describeError(error);
        if (text !== complaint) log.warn({ folder }, `manifests are not applied yet: ${text}`);
        complaint = text;
      }
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function fingerprint(folder: string, { stdin }: CliIo): Promise<string> {
  const { files, problems } = await findManifestFiles([folder], stdin);
  return createHash('sha256')
    .update(JSON.stringify([files, problems]))
    .digest('hex');
}

function silentIo(signal: AbortSignal): CliIo {
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  return { stdin: Readable.from([]), stdout: nowhere(), stderr: nowhere(), env: process.env, signal };
}

/** Results and notes become lines of the worker's log. */
function logOutput(io: CliIo, log: Logger): Output {
  return {
    ...createOutput(io, 'json'),
    print: ({ data }) => log.info({ result: data }, 'manifests are applied'),
    note: (text) => log.warn(text),
  };
}
