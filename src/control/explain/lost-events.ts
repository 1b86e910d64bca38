/** Events that sensors lost because the bus removed them: an event without a trace may be among them. */
import type { OpenBus } from './open-buses';

const SHOWN = 5;

export async function describeLostEvents(buses: readonly OpenBus[], namespace: string | undefined): Promise<string[]> {
  const found: string[] = [];
  for (const { bus } of buses) {
    const filter = { decision: 'expired' as const, newest: SHOWN, ...(namespace !== undefined && { namespace }) };
    for await (const { namespace: where, sensor, reason = '' } of bus.readDecisions(filter)) {
      found.push(`It may be among events that sensor ${where}/${sensor} lost: ${reason}.`);
    }
  }
  return found;
}
