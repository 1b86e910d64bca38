/** What goes wrong with a Redis server, as tests make it happen. */
import type Redis from 'ioredis';

/** Stops the process, which keeps its connections and answers nothing; returns what lets it go on. */
export async function hangRedis(client: Redis): Promise<() => void> {
  const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  process.kill(pid, 'SIGSTOP');
  return () => process.kill(pid, 'SIGCONT');
}

/** Everybody but the caller must log in again. */
export async function endConnections(client: Redis): Promise<void> {
  for (const type of ['NORMAL', 'PUBSUB']) await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'YES');
}

export async function rotatePassword(client: Redis, password: string): Promise<void> {
  await client.config('SET', 'requirepass', password);
  await endConnections(client);
}
