import { setTimeout as sleep } from 'node:timers/promises';
import { PortTakenError } from '../dev-server-error';
import { outageOf, type Outage } from './outage';
import type { ServerProcess } from './server-process';
import { removeFolder } from './temporary-folder';

/** A server for tests of outages. */
export interface RestartableServer {
  /** Ends the server and removes its data. Idempotent. */
  readonly stop: () => Promise<void>;
  /** Ends the server as an outage would; `restart` starts it again with the data in its folder. */
  readonly stopKeepingData: () => Promise<void>;
  /** Starts the server again on the same port with the same data, after stopping it if it runs. */
  readonly restart: () => Promise<void>;
  readonly outage: Outage;
}

/** Starts a server whose data is in `folder`. `start` is called again for each restart. */
export async function startRestartableServer(
  folder: string,
  start: () => Promise<ServerProcess>,
): Promise<RestartableServer> {
  let server = await start();
  const restart = async (): Promise<void> => {
    await server.stop();
    server = await startAgain(start);
  };
  return {
    stop: async () => {
      await server.stop();
      await removeFolder(folder);
    },
    stopKeepingData: () => server.stop(),
    restart,
    outage: outageOf(() => server, restart),
  };
}

const PORT_FREED_WITHIN_MS = 10_000;

/** Starts a server on its previous port: the system may free that a moment after the process was ended. */
export async function startAgain(start: () => Promise<ServerProcess>): Promise<ServerProcess> {
  for (const deadline = Date.now() + PORT_FREED_WITHIN_MS; ; await sleep(100)) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortTakenError) || Date.now() > deadline) throw error;
    }
  }
}
