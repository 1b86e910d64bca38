/**
 * The results of Argo Events: expressions/peer, the Go libraries built for this machine. It is built once and kept
 * outside the checkout, under a name derived from its sources.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildGoTool } from '../binaries/build-go-tool';
import { withCacheLock } from '../binaries/cache-lock';
import { cacheFolder } from '../binaries/find-binary';
import { isExecutable } from '../binaries/find-on-path';
import { repoRoot } from '../repo-root';
import type { DifferentialCase } from './cases';
import { peerCase } from './peer-case';

const EXECUTABLE = 'expressions-peer';
const moduleFolder = join(repoRoot, 'expressions');
const peerFolder = join(moduleFolder, 'peer');

/** A value, or the error of the library. */
export type PeerAnswer = { readonly v: unknown } | { readonly e: string };

export interface Peer {
  /** In the order of the cases. */
  ask(cases: readonly DifferentialCase[]): Promise<PeerAnswer[]>;
  close(): void;
}

/** Returns the path of the program, which is built first if necessary. */
export async function findPeer(): Promise<string> {
  const hash = await hashOfSources();
  const folder = join(cacheFolder(), `${EXECUTABLE}-${hash}`);
  const path = join(folder, EXECUTABLE);
  if (isExecutable(path)) return path;
  await mkdir(folder, { recursive: true });
  return withCacheLock(join(folder, 'lock'), async () => {
    if (!isExecutable(path)) {
      const source = { kind: 'go-module', folder: moduleFolder, packagePath: './peer', linkerFlags: '' } as const;
      const tool = { executable: EXECUTABLE, version: hash, lowestVersion: '0', versionPattern: /()/ };
      const duration = 'about half a minute';
      await buildGoTool({ ...tool, source: { ...source, duration } }, { ...source, duration }, path);
    }
    return path;
  });
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(peerFolder)).filter((name) => name.endsWith('.go')).sort();
  for (const path of ['go.mod', 'go.sum', ...names.map((name) => join('peer', name))]) {
    hash.update(`\0${path}\0`).update(await readFile(join(moduleFolder, path)));
  }
  return hash.digest('hex').slice(0, 16);
}

export async function startPeer(): Promise<Peer> {
  const child = spawn(await findPeer(), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (cases) => {
      child.stdin.write(cases.map((each) => `${JSON.stringify(peerCase(each))}\n`).join(''));
      const answers: PeerAnswer[] = [];
      while (answers.length < cases.length) {
        const next: IteratorResult<string, unknown> = await lines.next();
        if (next.done === true) throw new Error(`${EXECUTABLE} ended: ${endOf(child)}`);
        answers.push(JSON.parse(next.value) as PeerAnswer); // written by expressions/peer/main.go
      }
      return answers;
    },
    close: () => child.stdin.end(),
  };
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return `exit code ${String(exitCode)}, signal ${String(signalCode)}`;
}
