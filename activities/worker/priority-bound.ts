/**
 * The most urgent priority that a manifest may ask for. Temporal's task queues and the capacity of a worker are shared by
 * all tenants, so the operator of the worker decides who may overtake whom.
 */
const VARIABLE = 'SLUICE_HIGHEST_PRIORITY';
const MOST_URGENT = 1;

/** Returns the priority that counts outside of the sensor itself. */
export function boundPriority(priority: number): number {
  return Math.max(priority, readHighestPriority());
}

/** Throws if the variable cannot be read; workers call it when they start. */
export function readHighestPriority(environment: NodeJS.ProcessEnv = process.env): number {
  const text = environment[VARIABLE]?.trim() ?? '';
  if (text === '') return MOST_URGENT;
  if (!/^[1-5]$/.test(text)) throw new Error(`${VARIABLE}: expected a number from 1 (first) to 5, found "${text}"`);
  return Number(text);
}
