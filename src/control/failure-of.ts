import { deepestMessage } from './deepest-message';
import type { TemporalSession } from './temporal-session';

/** Why a workflow failed, in the words of the deepest cause; undefined if it did not fail. Waits for its end. */
export async function failureOf(session: TemporalSession, id: string): Promise<string | undefined> {
  return await session.client.workflow
    .getHandle(id)
    .result()
    .then(() => undefined, deepestMessage);
}
