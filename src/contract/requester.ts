/** Who asks for something and why. Required wherever a person changes what happens; kept in the history. */
export interface RequestedBy {
  readonly by: string;
  readonly why: string;
}
