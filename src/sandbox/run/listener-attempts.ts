/** Texts about first attempts that a listener made before it started the run. Pure. */
import { showTime } from '../../text/readable-times';
import type { FireAttempt, FireStatus } from '../../contract/fires';

/** An attempt whose worker ended before a run knew of its result. The run retries it if the trigger allows that. */
export function lostAttempt(fireId: string, at: string, worker: string): FireAttempt {
  return {
    fireId,
    failure: {
      code: 'TRIGGER_UNREACHABLE',
      message: `the listener on worker ${worker} began the first attempt at ${showTime(at)} and did not report its result: the request may have been sent`,
      fix: 'Ask the target whether it has received the request, by its Idempotency-Key; then discard the fire, or retrigger it',
      retryable: true,
    },
  };
}

/** One sentence about all of them; undefined if there are none. All were made by one worker. */
export function describeListenerAttempts(fires: readonly FireStatus[]): string | undefined {
  const attempts = fires.flatMap(({ listenerAttempt }) => listenerAttempt ?? []);
  const [first] = [...attempts].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (first === undefined) return undefined;
  const took = attempts.flatMap(({ tookMs }) => tookMs ?? []);
  const waiting = fires.filter(isAwaited).length;
  const lost = attempts.length - took.length - waiting;
  const what = attempts.length === 1 ? 'the first attempt' : `${attempts.length} first attempts`;
  const since = attempts.length === 1 ? 'at' : 'since';
  const duration = took.length === 0 ? '' : `, in ${describeDurations(took)}`;
  const count = (number: number, one: string, several: string): string =>
    number === 0 ? '' : attempts.length === 1 ? `; it ${one}` : `; ${number} ${several}`;
  const open = count(waiting, 'waits for the response', 'wait for the response');
  const unknown = count(lost, 'did not report the response', 'without a report of the response');
  return `The listener ${waiting + lost === 0 ? 'made' : 'began'} ${what} before it started this run: ${since} ${showTime(first.at)}${duration}, on worker ${first.worker}${open}${unknown}.`;
}

/** The run counts the attempt once the listener has reported it, or once it takes it for lost. */
function isAwaited({ attempts, listenerAttempt }: Pick<FireStatus, 'attempts' | 'listenerAttempt'>): boolean {
  return listenerAttempt !== undefined && listenerAttempt.tookMs === undefined && attempts === 0;
}

function describeDurations(took: readonly number[]): string {
  const [shortest, longest] = [Math.min(...took), Math.max(...took)];
  return shortest === longest ? `${longest} ms` : `${shortest} to ${longest} ms`;
}

/** In brackets behind the number of attempts of one fire; empty if the listener made none. */
export function noteListenerAttempt({
  attempts,
  listenerAttempt,
}: Pick<FireStatus, 'attempts' | 'listenerAttempt'>): string {
  if (listenerAttempt === undefined) return '';
  const { at, tookMs, worker } = listenerAttempt;
  const which = attempts > 1 ? 'the first ' : '';
  if (tookMs === undefined) {
    const began = `the first by the listener, ${attempts === 0 ? 'since' : 'begun at'} ${showTime(at)}, on worker ${worker}`;
    return ` (${began}${attempts === 0 ? '' : ', without a report of the response'})`;
  }
  return ` (${which}by the listener before the run was started, in ${tookMs} ms, on worker ${worker})`;
}
