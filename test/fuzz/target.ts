/** Something that takes input from outside. */
import type fc from 'fast-check';

export interface FuzzTarget<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /** Throws when what comes of the input is neither a value nor an error that says what is wrong with it. */
  check(input: Input): Promise<void> | void;
  close?(): Promise<void>;
}

/** A target whose inputs only it knows. */
export type OpenTarget = <Result>(use: <Input>(target: FuzzTarget<Input>) => Result) => Result;

export function hide<Input>(target: FuzzTarget<Input>): OpenTarget {
  return (use) => use(target);
}

/** Fails unless it is true; `what` says what was expected. */
export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected: ${what}`);
}
