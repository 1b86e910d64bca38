/** What readers, listeners and watches report in their heartbeats. These come from workers of any version. Pure. */
import { z } from 'zod';

const text = z.string().optional().catch(undefined);
const count = z.number().optional().catch(undefined);

const schema = z.object({
  /** It reads or listens right now. */
  connected: z.boolean().catch(false),
  problem: text,
  busProblem: text,
  /** Name of the event that is read. */
  event: text,
  backlog: z
    .object({
      entries: z.number(),
      pending: z.number(),
      isAtLeast: z.boolean().optional().catch(undefined),
      at: z.string(),
    })
    .optional()
    .catch(undefined),
  /** Pending events of a sensor; when the first of them expires, RFC 3339; the latest loss. */
  waiting: count,
  expiresAt: text,
  lost: text,
});

export function readReport(heartbeat: unknown): z.infer<typeof schema> {
  return schema.catch({ connected: false }).parse(heartbeat);
}
