import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync, readFileSync, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { findBinary } from '../../dev/binaries/find-binary';
import type { Release, Tool } from '../../dev/binaries/tool';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';

const savedEnvironment = { ...process.env };
let folder: string;

beforeEach(async () => {
  folder = await createTemporaryFolder('find-binary');
  process.env.SLUICE_CACHE_DIR = join(folder, 'cache');
  delete process.env.SLUICE_OFFLINE;
});
afterEach(async () => {
  process.env = { ...savedEnvironment };
  await removeFolder(folder);
});

/** A program that only tells its version. */
function writeProgram(path: string, version: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "program ${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A tool with a name nobody has, since findBinary remembers what it found. Its last resort fails. */
function createTool(details: Partial<Tool> = {}): Tool {
  return {
    executable: `tool-${randomUUID().slice(0, 8)}`,
    version: '2.0.0',
    lowestVersion: '1.5.0',
    versionPattern: /(\d+\.\d+\.\d+)/,
    source: { kind: 'system-package', names: { 'apt-get': '', apk: '', dnf: '', brew: '' } },
    ...details,
  };
}

function variableOf({ executable }: Tool): string {
  return `SLUICE_${executable.toUpperCase().replaceAll('-', '_')}_BIN`;
}

describe('a server program is taken from', () => {
  it('the environment before PATH', async () => {
    const tool = createTool();
    const named = writeProgram(join(folder, 'named', 'anything'), '0.1.0');
    writeProgram(join(folder, 'path', tool.executable), '2.0.0');
    process.env.PATH = `${join(folder, 'path')}${delimiter}${process.env.PATH}`;
    process.env[variableOf(tool)] = named;
    expect(await findBinary(tool)).toBe(named);
  });

  it('PATH before the cache', async () => {
    const tool = createTool();
    const onPath = writeProgram(join(folder, 'path', tool.executable), '1.5.0');
    writeProgram(join(folder, 'cache', `${tool.executable}-2.0.0`, tool.executable), '2.0.0');
    process.env.PATH = `${join(folder, 'path')}${delimiter}${process.env.PATH}`;
    expect(await findBinary(tool)).toBe(onPath);
  });

  it('the cache if the one on PATH is too old', async () => {
    const tool = createTool();
    writeProgram(join(folder, 'path', tool.executable), '1.4.9');
    const cached = writeProgram(join(folder, 'cache', `${tool.executable}-2.0.0`, tool.executable), '2.0.0');
    process.env.PATH = `${join(folder, 'path')}${delimiter}${process.env.PATH}`;
    expect(await findBinary(tool)).toBe(cached);
  });

  it('nowhere else if the environment names a file that cannot be run', async () => {
    const tool = createTool();
    process.env[variableOf(tool)] = join(folder, 'absent');
    await expect(findBinary(tool)).rejects.toThrow(variableOf(tool));
  });
});

describe('a server program is downloaded', () => {
  const content = Buffer.from('#!/bin/sh\necho 2.0.0\n');
  const checksum = createHash('sha256').update(content).digest('hex');
  let server: Server;
  let files: Record<string, string | Buffer>;

  beforeEach(async () => {
    server = createServer((request, response) => {
      const file = files[request.url ?? ''];
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const releaseOf = (name: string): Release => {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { url: `${base}/${name}`, checksumUrl: `${base}/sums` };
  };

  it('into the cache if its checksum is the published one', async () => {
    files = { '/program': content, '/sums': `${'0'.repeat(64)}  other\n${checksum}  program\n` };
    const tool = createTool({ release: () => releaseOf('program') });
    const path = await findBinary(tool);
    expect(path).toBe(join(folder, 'cache', `${tool.executable}-2.0.0`, tool.executable));
    expect(readFileSync(path)).toEqual(content);
  });

  const refused: [string, Record<string, string | Buffer>][] = [
    ['its checksum is another', { '/program': content, '/sums': `${'0'.repeat(64)}  program\n` }],
    ['no checksum is published for it', { '/program': content, '/sums': `${checksum}  other\n${checksum}  more\n` }],
    ['it does not exist', { '/sums': `${checksum}  program\n` }],
  ];
  it.each(refused)('never if %s', async (_, served) => {
    files = served;
    process.env.PATH = folder;
    const tool = createTool({ release: () => releaseOf('program') });
    // It goes on to the last resort, which finds no package manager on this PATH.
    await expect(findBinary(tool)).rejects.toThrow('package manager');
    expect(existsSync(join(folder, 'cache', `${tool.executable}-2.0.0`, tool.executable))).toBe(false);
  });

  it('never if SLUICE_OFFLINE is set', async () => {
    files = { '/program': content, '/sums': checksum };
    process.env.SLUICE_OFFLINE = '1';
    process.env.PATH = folder;
    await expect(findBinary(createTool({ release: () => releaseOf('program') }))).rejects.toThrow('package manager');
  });
});

describe('a missing server program', () => {
  it('is built from a Go module, once for concurrent requests', async () => {
    const calls = join(folder, 'calls');
    const fakeGo = join(folder, 'bin', 'go');
    mkdirSync(dirname(fakeGo));
    // Stands for `go build -v -o FILE PACKAGE`.
    writeFileSync(fakeGo, `#!/bin/sh\necho call >> ${calls}\nsleep 0.2\nprintf '#!/bin/sh\\n' > "$4"\nchmod +x "$4"\n`);
    chmodSync(fakeGo, 0o755);
    process.env.PATH = `${dirname(fakeGo)}${delimiter}${process.env.PATH}`;
    const source = {
      kind: 'go-module',
      folder,
      packagePath: 'example.org/x',
      linkerFlags: '',
      duration: 'no time',
    } as const;
    const tool = createTool({ source });
    // Another object of the same name goes through the lock file instead of this process's memory.
    const paths = await Promise.all([findBinary(tool), findBinary({ ...tool })]);
    expect(new Set(paths).size).toBe(1);
    expect(readFileSync(calls, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('is installed by the available package manager', async () => {
    const tool = createTool({
      source: { kind: 'system-package', names: { 'apt-get': 'the-package', apk: '', dnf: '', brew: '' } },
    });
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const installed = join(bin, tool.executable);
    writeFileSync(
      join(bin, 'apt-get'),
      `#!/bin/sh\ncase "$*" in *install*the-package*) printf '#!/bin/sh\\n' > ${installed}; chmod +x ${installed};; esac\n`,
    );
    chmodSync(join(bin, 'apt-get'), 0o755);
    // Without root, sudo is asked; this one only runs the command.
    writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nshift\nexec "$@"\n');
    chmodSync(join(bin, 'sudo'), 0o755);
    process.env.PATH = `${bin}${delimiter}/bin${delimiter}/usr/bin`;
    expect(await findBinary(tool)).toBe(installed);
  });
});
