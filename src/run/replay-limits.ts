/** What a replay was asked for and cannot or does not read. Pure. */

/** A sentence each. */
export function describeReplayLimits(limits: {
  readonly keptFrom?: number;
  readonly leftToSensor?: number;
}): readonly string[] {
  const { keptFrom, leftToSensor } = limits;
  return [
    ...(keptFrom === undefined ? [] : [`Events before position ${keptFrom} are not on the bus any more.`]),
    ...(leftToSensor === undefined
      ? []
      : [`Events from position ${leftToSensor} on still wait for the sensor, which fires them itself.`]),
  ];
}
