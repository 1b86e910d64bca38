/** Entry of the thread that unpacks nodes. Holds no state: it may be terminated at any moment. */
import { parentPort } from 'node:worker_threads';
import { handleNodeRequest } from './handle-node-request';
import type { NodeRequest } from './node-thread-messages';

parentPort?.on('message', (request: NodeRequest) => parentPort?.postMessage(handleNodeRequest(request)));
