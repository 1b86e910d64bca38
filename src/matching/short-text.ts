/** Values in reasons: quoted, and short enough for a log line and a decision record. */
const LONGEST = 80;

export function shortText(text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}
