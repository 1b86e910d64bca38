/** Values by which joined triggers correlate, collect and limit; extracted early so that the state needs no data. */
import type { CloudEvent } from '../event/cloud-event';
import { dataOf } from '../event/event-data';
import type { ExpressionEngine } from '../expressions/engine';

/** Data path → its value as text; paths that the event does not have are omitted. Undefined without paths. */
export async function readKeys(
  event: CloudEvent,
  paths: readonly string[],
  engine: ExpressionEngine,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (paths.length === 0) return undefined;
  const data = dataOf(event);
  if (data.kind !== 'json') return {};
  const answers = await Promise.all(paths.map((path) => engine.evaluate({ kind: 'get', path, data: data.value })));
  return Object.fromEntries(
    paths.flatMap((path, index) => {
      const answer = answers[index];
      return answer?.ok && answer.value.exists ? [[path, answer.value.text]] : [];
    }),
  );
}
