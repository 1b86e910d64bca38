/** No engine is needed to know that the servers start with the commands of docker-compose.yml, and pass its checks. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import type { Tool } from '../../dev/binaries/tool';
import { startServerProcess, type ServerProcess } from '../../dev/processes/server-process';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import { repoRoot } from '../../dev/repo-root';
import { freePort } from '../sources/free-port';

interface Service {
  readonly command: readonly string[];
  readonly ports: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
}

interface Program {
  readonly tool: Tool;
  /** The port that the server takes without being told. */
  readonly ownPort?: { readonly port: string; readonly flag: string };
  /** What the image starts is the first word of the command. */
  readonly isNamed?: boolean;
  /** How the program of the health check learns of another port. */
  readonly checkWith?: (port: string) => { readonly args?: readonly string[]; readonly env?: Record<string, string> };
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  temporal: { tool: tools.temporal, checkWith: (port) => ({ env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}` } }) },
  nats: { tool: tools.natsServer, ownPort: { port: '4222', flag: '--port' } },
  redis: {
    ...{ tool: tools.redisServer, isNamed: true, ownPort: { port: '6379', flag: '--port' } },
    checkWith: (port) => ({ args: ['-p', port] }),
  },
};

const { services } = parse(readFileSync(join(repoRoot, 'docker-compose.yml'), 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>;
};

describe('the servers of docker-compose.yml', () => {
  it.each(Object.entries(PROGRAMS))('%s becomes healthy', async (name, { tool, ownPort, isNamed, checkWith }) => {
    const { command, ports, healthcheck } = services[name] ?? { command: [], ports: [], healthcheck: { test: [] } };
    const binary = await findBinary(tool);
    const folder = await createTemporaryFolder(`compose-${name}`);
    const inside = ports.map((port) => port.split(':').at(-1) ?? '');
    const free = new Map<string, string>();
    for (const port of inside) free.set(port, `${await freePort()}`);
    const adapt = (text: string): string =>
      [...free].reduce((done, [port, other]) => done.replaceAll(port, other), text).replaceAll('/data', folder);
    const args = command.slice(isNamed ? 1 : 0).map(adapt);
    if (ownPort) args.push(ownPort.flag, free.get(ownPort.port) ?? '');
    if (name === 'redis') args.push('--dir', folder);
    const check = (): boolean => {
      const [, program = '', ...words] = healthcheck.test.map(adapt);
      const more = checkWith?.(free.get(inside[0] ?? '') ?? '');
      const { status } = spawnSync(program === 'temporal' ? binary : program, [...(more?.args ?? []), ...words], {
        // Docker sets HOME too; temporal does not work without it.
        env: { PATH: process.env['PATH'], HOME: folder, ...more?.env },
        timeout: 5_000,
      });
      return status === 0;
    };
    expect(check()).toBe(false);
    let server: ServerProcess | undefined;
    try {
      server = await startServerProcess({
        ...{ name: `compose-${name}`, command: binary, args, folder },
        isReady: () => Promise.resolve(check()),
      });
    } finally {
      await server?.stop();
      await removeFolder(folder);
    }
  });
});
