/** The processes of tenant A's machines: its callers, and the server that its manifests name. Started by `startAttacker`. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, setPriority } from 'node:os';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { startAttacks, type AttackCounts, type RunningAttacks } from './attacks';

export interface AttackTargets {
  readonly port: number;
  readonly redisUrl: string;
  readonly apiServer: { readonly url: string; readonly caPath: string; readonly token: string };
  /** Names of attacks; absent: all. */
  readonly only?: readonly string[];
}

export type AttackerRequest = { readonly kind: 'attack'; readonly targets: AttackTargets } | { readonly kind: 'stop' };
export type AttackerAnswer =
  { readonly kind: 'listening'; readonly url: string } | { readonly kind: 'stopped'; readonly counts: AttackCounts };

// Callers have processors of their own; here they must not take those of the servers that they attack.
setPriority(constants.priority.PRIORITY_LOW);

const BOMB_KEYS = 40_000;
/** A YAML text of many keys, which some parsers read in quadratic time. */
const YAML_BOMB = `a: &a0 [x]\n${Array.from(
  { length: BOMB_KEYS },
  (_, n) => `${n.toString(36)}: &a${n} [*a${Math.max(0, n - 1)}]\n`,
).join('')}`;

/** Takes all fires, serves the bomb, and lets callers of /never wait. */
const server = createServer((request, response) => {
  if (request.url === '/never') return;
  request.resume();
  response.end(request.url === '/bomb.yaml' ? YAML_BOMB : '');
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  answer({ kind: 'listening', url: `http://127.0.0.1:${port}` });
});

let attacks: RunningAttacks | undefined;

process.on('message', (request: AttackerRequest) => {
  if (request.kind === 'attack') {
    const { apiServer, only, ...targets } = request.targets;
    const { url, caPath, token } = apiServer;
    const api = createApiClient({ url, token, ca: readFileSync(caPath, 'utf8') });
    attacks = startAttacks({ ...targets, api }, only);
    return;
  }
  void (attacks?.stop() ?? Promise.resolve()).then(() => answer({ kind: 'stopped', counts: attacks?.counts ?? {} }));
});
// Ends with the process that started it, however that one ended.
process.once('disconnect', () => process.exit());

function answer(message: AttackerAnswer): void {
  process.send?.(message);
}
