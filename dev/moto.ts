/** Stands in for Amazon Web Services: SQS with its real API, and IAM, which decides about each request once it is asked to. */
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { startOnFreePorts } from './processes/free-ports';
import { startRestartableServer, type RestartableServer } from './processes/restartable-server';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';

export interface RunningMoto extends RestartableServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  port: number;
  /** From now on each request needs a user of its IAM with the right to make it. */
  checkRights(): Promise<void>;
  /** As after its start: empty, and without a look at rights. */
  forgetAll(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Starts moto in memory: a restart forgets all. */
export async function startMoto(): Promise<RunningMoto> {
  const binary = await findBinary(tools.motoServer);
  const folder = await createTemporaryFolder('moto');
  try {
    return await startOnFreePorts([undefined], async (port) => {
      const url = `http://${HOST}:${port}`;
      const server = await startRestartableServer(folder, () =>
        startServerProcess({
          name: 'moto',
          command: binary,
          args: ['--host', HOST, '--port', String(port)],
          folder,
          isReady: async () => (await fetch(`${url}/moto-api/data.json`)).ok,
        }),
      );
      const post = async (path: string, body?: string): Promise<void> => {
        const answer = await fetch(`${url}/moto-api/${path}`, { method: 'POST', body });
        if (!answer.ok) throw new Error(`moto answers ${answer.status}`);
      };
      return {
        ...server,
        url,
        port,
        checkRights: () => post('reset-auth', '0'),
        async forgetAll() {
          await post('reset');
          await post('reset-auth', 'inf');
        },
      };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
