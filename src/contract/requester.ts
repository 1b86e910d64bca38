/** Who requests something and why. Required wherever an operator changes the behaviour; kept in the history. */
export interface RequestedBy {
  readonly by: string;
  readonly why: string;
}
