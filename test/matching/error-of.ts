/** What a function throws, to be looked at; undefined if it does not throw. */
export function errorOf(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
