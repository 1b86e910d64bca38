/** In front of the API server: passes requests on, or has another answer for them. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, Agent, request } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { formatKubeconfig } from '../../dev/kubernetes/kubeconfig';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import type { OwnKubernetes } from '../../dev/servers';
import { createTlsFiles } from '../../dev/tls-certificates';

export type ApiBehaviour = 'pass' | 'silent' | 429 | 500;

export interface ApiExchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** Called when the API server has answered, and before its answer is passed on: what it throws or never does is lost. */
export type OnAnswered = (exchange: ApiExchange) => Promise<void> | void;

export interface ApiProxy {
  readonly kubeconfigPath: string;
  /** Watches that are open end when the behaviour changes. */
  behave(behaviour: ApiBehaviour): void;
  close(): Promise<void>;
}

export async function startApiProxy(
  kubernetes: OwnKubernetes,
  onAnswered: OnAnswered = () => undefined,
): Promise<ApiProxy> {
  const folder = await createTemporaryFolder('api-proxy');
  const tls = await createTlsFiles(folder);
  const [cert, key] = await Promise.all([readFile(tls.serverCertificatePath), readFile(tls.serverKeyPath)]);
  const agent = new Agent({ keepAlive: true, ca: await readFile(kubernetes.caPath) });
  let behaviour: ApiBehaviour = 'pass';
  const open = new Set<ServerResponse>();
  const server = createServer({ cert, key }, (received, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    if (behaviour === 'silent') return;
    if (behaviour !== 'pass') {
      response.writeHead(behaviour, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: behaviour }));
      return;
    }
    const { method = 'GET', headers, url = '/' } = received;
    const passOn = async (answer: IncomingMessage): Promise<void> => {
      const { statusCode: status = 502 } = answer;
      await onAnswered({ method, path: url.split('?')[0] ?? '', status });
      response.writeHead(status, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    };
    const sent = request(new URL(url, kubernetes.url), { agent, method, headers }, (answer) => {
      passOn(answer).catch(() => response.destroy());
    });
    sent.on('error', () => response.destroy());
    response.on('close', () => sent.destroy());
    received.pipe(sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfigPath = join(folder, 'kubeconfig');
  const kubeconfig = formatKubeconfig(`https://127.0.0.1:${port}`, tls.caPath, kubernetes.adminToken);
  await writeFile(kubeconfigPath, kubeconfig, { mode: 0o600 });
  const endOpen = (): void => {
    for (const response of open) response.destroy();
  };
  return {
    kubeconfigPath,
    behave: (wanted) => {
      behaviour = wanted;
      endOpen();
    },
    close: async () => {
      endOpen();
      agent.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await removeFolder(folder);
    },
  };
}
