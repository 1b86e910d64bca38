import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import type { AttackerAnswer, AttackerRequest, AttackTargets } from './attacker';
import type { AttackCounts } from './attacks';

export interface Attacker {
  /** Of the server that A's manifests name. */
  readonly url: string;
  readonly pid: number;
  attack(targets: AttackTargets): void;
  /** Resolves to how often each attack was made. */
  stop(): Promise<AttackCounts>;
}

/** Starts A's processes; they end with this one. */
export async function startAttacker(): Promise<Attacker> {
  const child = fork(join(repoRoot, 'dist', 'test', 'hostile', 'attacker.js'), { execArgv: ['--enable-source-maps'] });
  const send = (request: AttackerRequest): void => void child.send(request);
  const ended = once(child, 'exit');
  const nextAnswer = async (): Promise<AttackerAnswer> => {
    const answer = once(child, 'message') as Promise<[AttackerAnswer]>;
    const [message] = await Promise.race([answer, ended.then(() => Promise.reject(new Error('the attacker ended')))]);
    return message;
  };
  const listening = await nextAnswer();
  return {
    pid: child.pid ?? NaN,
    url: listening.kind === 'listening' ? listening.url : '',
    attack: (targets) => send({ kind: 'attack', targets }),
    stop: async () => {
      if (!child.connected) return {};
      send({ kind: 'stop' });
      const stopped = await nextAnswer();
      child.disconnect();
      await ended;
      return stopped.kind === 'stopped' ? stopped.counts : {};
    },
  };
}
