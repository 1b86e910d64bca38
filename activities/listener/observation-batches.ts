/** Cuts observations into signals that Temporal takes: one may hold 2 MB, and the sensor has to read it in one go. */
import { cutByBytes } from '../../src/text/cut-by-bytes';
import type { Observation } from '../../src/contract/sensor-messages';

const MAX_SIGNAL_BYTES = 400_000;

/** In order. An observation larger than a portion makes one of its own. */
export function cutObservations(observations: readonly Observation[], maxBytes = MAX_SIGNAL_BYTES): Observation[][] {
  return cutByBytes(observations, maxBytes);
}
