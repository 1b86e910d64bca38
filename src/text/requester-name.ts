/**
 * How requesters are named. Pure.
 *
 * The name is the caller's own (`by`, or the identity of a Temporal client), and it is not verified: Temporal gives
 * workflows no authenticated identity. So it is quoted and marked wherever it is shown.
 */

const MOST_CHARACTERS = 80;

/** As JSON, so that a name cannot close its own quotes. */
export function describeRequester(name: string): string {
  const shown = name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name;
  return `${JSON.stringify(shown)} (unverified)`;
}
