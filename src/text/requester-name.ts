/**
 * How people are named who asked for something. Pure.
 *
 * The name is what the caller said (`by`, or the identity of a Temporal client), and nobody checks it: Temporal hands
 * workflows no authenticated identity. So it is quoted and marked wherever it is shown.
 */

const MOST_CHARACTERS = 80;

/** As JSON, so that a name cannot end its own quotes. */
export function describeRequester(name: string): string {
  const shown = name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name;
  return `${JSON.stringify(shown)} (unverified)`;
}
