/** The counterpart: a scene that the sensor filters out, and the reason as `sluice explain` reports it. */
import { setTimeout as pause } from 'node:timers/promises';
import Redis from 'ioredis';
import type { Story } from '../../src/control/explain/story';
import type { StacItem } from '../stac-items';
import type { SluiceCommand } from './command';

const CHANNEL = 'stac-events';
const GIVE_UP_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 250;

/** Publishes the scene and returns its story once a sensor has decided. Throws if none does. */
export async function explainScene(scene: StacItem, redisUrl: string, sluice: SluiceCommand): Promise<Story> {
  const redis = new Redis(redisUrl);
  try {
    await redis.publish(CHANNEL, JSON.stringify(scene));
  } finally {
    redis.disconnect();
  }
  const deadline = Date.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    try {
      const story = (await sluice.json('explain', scene.id)) as Story;
      if (story.verdict.state !== 'pending' && story.verdict.state !== 'unknown') return story;
    } catch (error) {
      // The event has no trace yet.
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) throw new Error(`no sensor has decided about ${scene.id}`);
    await pause(LOOK_EVERY_MS);
  }
}
