/** Texts about first attempts that a listener made before it started the run. Pure. */
import { showTime } from '../../text/readable-times';
import type { FireStatus } from '../../contract/fires';

/** One sentence about all of them; undefined if there are none. All were made by one worker. */
export function describeListenerAttempts(fires: readonly FireStatus[]): string | undefined {
  const attempts = fires.flatMap(({ listenerAttempt }) => listenerAttempt ?? []);
  const [first] = [...attempts].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (first === undefined) return undefined;
  const took = attempts.map(({ tookMs }) => tookMs);
  const [shortest, longest] = [Math.min(...took), Math.max(...took)];
  const duration = shortest === longest ? `${longest} ms` : `${shortest} to ${longest} ms`;
  const what = attempts.length === 1 ? 'the first attempt' : `${attempts.length} first attempts`;
  const since = attempts.length === 1 ? 'at' : 'since';
  return `The listener made ${what} before it started this run: ${since} ${showTime(first.at)}, in ${duration}, on worker ${first.worker}.`;
}

/** In brackets behind the number of attempts of one fire; empty if the listener made none. */
export function noteListenerAttempt({
  attempts,
  listenerAttempt,
}: Pick<FireStatus, 'attempts' | 'listenerAttempt'>): string {
  if (listenerAttempt === undefined) return '';
  const { tookMs, worker } = listenerAttempt;
  const which = attempts > 1 ? 'the first ' : '';
  return ` (${which}by the listener before the run was started, in ${tookMs} ms, on worker ${worker})`;
}
