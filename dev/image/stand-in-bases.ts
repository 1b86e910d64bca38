/**
 * What stands in for the images that the Dockerfile begins with, where their registry cannot be reached: the same Debian
 * from its packages, with the same major version of Node from npm, and the Go of this machine.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withCacheLock } from '../binaries/cache-lock';
import { runCommand } from '../binaries/run-command';
import { createTemporaryFolder, removeFolder } from '../processes/temporary-folder';
import { announce } from '../progress';
import { BUILD_OPTIONS, buildah, imageFolder } from './image-store';
import { findImageProgram } from './programs';

export interface StandInBases {
  readonly node: string;
  readonly go: string;
}

/** As in the Dockerfile. */
const DEBIAN = 'bookworm';
const NODE_VERSION = '22';
const NPM_VERSION = '10';
/** Raise it when what is below changes: bases that exist are kept. */
const EDITION = 1;

/** Where the machine trusts a certificate of its own (a proxy, say), the build does too. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Returns names of images in the store; makes them first if they are missing, which takes about two minutes. */
export async function makeStandInBases(): Promise<StandInBases> {
  const bases = {
    node: `localhost/sluice-stand-in-node:${NODE_VERSION}-${EDITION}`,
    go: `localhost/sluice-stand-in-go:${EDITION}`,
  };
  await mkdir(imageFolder(), { recursive: true });
  await withCacheLock(join(imageFolder(), 'lock'), async () => {
    const known = await buildah(['images', '--format', '{{.Name}}:{{.Tag}}']);
    if (Object.values(bases).every((name) => known.split('\n').includes(name))) return;
    announce('making the images that the Dockerfile begins with, once');
    const folder = await createTemporaryFolder('image-bases');
    try {
      await makeBases(folder, bases);
    } finally {
      await removeFolder(folder);
    }
  });
  return bases;
}

async function makeBases(folder: string, bases: StandInBases): Promise<void> {
  const system = join(folder, 'system.tar');
  await runCommand(await findImageProgram('mmdebstrap'), ['--mode=root', '--variant=minbase', DEBIAN, system]);
  await runCommand('cp', ['--dereference', CERTIFICATES, join(folder, 'certificates.crt')]);
  await writeFile(join(folder, 'npmrc'), `cafile=${CERTIFICATES}\n`);

  // Its package downloads the program for this processor when it is installed.
  const npm = join(folder, 'npm');
  await mkdir(npm);
  const packages = [`node@${NODE_VERSION}`, `npm@${NPM_VERSION}`];
  await runCommand('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd: npm });
  await build(folder, bases.node, [
    'FROM scratch',
    'ADD system.tar /',
    `COPY certificates.crt ${CERTIFICATES}`,
    'COPY npm/node_modules/node/bin/node /usr/local/bin/node',
    'COPY npm/node_modules/npm /usr/local/lib/node_modules/npm',
    'COPY npmrc /usr/local/etc/npmrc',
    'RUN cd /usr/local/bin && for name in npm npx; do ln -s ../lib/node_modules/npm/bin/$name-cli.js $name; done',
    'ENTRYPOINT ["node"]',
  ]);

  const go = (await runCommand('go', ['env', 'GOROOT'])).trim();
  await runCommand('cp', ['--archive', '--dereference', go, join(folder, 'go')]);
  await build(folder, bases.go, [
    'FROM scratch',
    'ADD system.tar /',
    `COPY certificates.crt ${CERTIFICATES}`,
    'COPY go /usr/local/go',
    'ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
}

async function build(folder: string, name: string, instructions: readonly string[]): Promise<void> {
  const file = join(folder, 'Containerfile');
  await writeFile(file, `${instructions.join('\n')}\n`);
  await buildah(['bud', ...BUILD_OPTIONS, '--file', file, '--tag', name, folder]);
}
