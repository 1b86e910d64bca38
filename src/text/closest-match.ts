/** "Did you mean …?" */

/** Words and candidates come from manifests, and comparing two of them takes the product of their lengths. */
const LONGEST_WORD = 64;
const MOST_CANDIDATES = 500;

/** The candidate that `word` was probably meant to be, or undefined if none is close. */
export function closestMatch(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  const compared = candidates.slice(0, MOST_CANDIDATES).filter(({ length }) => length <= LONGEST_WORD);
  const wanted = word.toLowerCase();
  const limit = Math.max(1, Math.min(4, Math.floor(wanted.length / 3)));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of compared) {
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate ?? compared.find((candidate) => isPartOf(wanted, candidate.toLowerCase()));
}

/** `backoff` is probably `connectionBackoff`. */
function isPartOf(word: string, candidate: string): boolean {
  return (
    word.length >= 5 && (candidate.endsWith(word) || candidate.startsWith(word) || word.startsWith(candidate + 's'))
  );
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped && row > 1 && column > 1) cost = Math.min(cost, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
