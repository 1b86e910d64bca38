/** Cuts observations into signals that Temporal takes: one may hold 2 MB, and the sensor has to read it in one go. */
import type { Observation } from '../workflows/messages';

const MAX_SIGNAL_BYTES = 400_000;

/** In order. An observation larger than a portion makes one of its own. */
export function cutObservations(observations: readonly Observation[], maxBytes = MAX_SIGNAL_BYTES): Observation[][] {
  const portions: Observation[][] = [];
  let bytes = 0;
  for (const observation of observations) {
    const size = JSON.stringify(observation).length;
    const current = portions.at(-1);
    if (current !== undefined && bytes + size <= maxBytes) {
      current.push(observation);
      bytes += size;
    } else {
      portions.push([observation]);
      bytes = size;
    }
  }
  return portions;
}
