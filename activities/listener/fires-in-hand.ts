/** The fires that the batches of a worker are handling now, so that two copies of an event are not attempted at once. */
export interface FireClaim {
  /** False, and nothing is taken, if another claim holds one of them. */
  take(fireIds: readonly string[]): boolean;
  release(): void;
}

export class FiresInHand {
  private readonly holders = new Map<string, FireClaim>();

  /** Returns a claim for one batch, to be released when it is handled. */
  claim(): FireClaim {
    const { holders } = this;
    const taken: string[] = [];
    const claim: FireClaim = {
      take(fireIds) {
        if (fireIds.some((id) => (holders.get(id) ?? claim) !== claim)) return false;
        for (const id of fireIds) {
          if (!holders.has(id)) taken.push(id);
          holders.set(id, claim);
        }
        return true;
      },
      release() {
        for (const id of taken) holders.delete(id);
      },
    };
    return claim;
  }
}
