/** Cuts observations into signals that Temporal accepts: one may hold 2 MB, and the sensor has to read it at once. */
import { cutByBytes } from '../../src/text/cut-by-bytes';
import type { Observation } from '../../src/contract/sensor-messages';

const MAX_SIGNAL_BYTES = 400_000;

/** Keeps the order. An observation larger than a portion gets its own portion. */
export function cutObservations(observations: readonly Observation[], maxBytes = MAX_SIGNAL_BYTES): Observation[][] {
  return cutByBytes(observations, maxBytes);
}
