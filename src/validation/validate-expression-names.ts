/** Names in the expression of an `exprs` filter that are not among its fields: the filter fails for every event. */
import { closestMatch } from '../text/closest-match';
import type { ExprFilter } from '../manifest/filters';
import type { Findings } from '../manifest/problem';

const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'in']);

export function warnOfUnknownNames({ expr, fields }: ExprFilter, findings: Findings): void {
  const known = fields.map(({ name }) => name);
  const isKnown = new Set(known);
  for (const name of namesIn(expr)) {
    if (isKnown.has(name)) continue;
    if (findings.isFull) return;
    const meant = closestMatch(name, known);
    findings.at('expr').warning(`reads ${name}, which is not among its fields, so no event passes`, {
      expected: `one of ${known.join(', ')}`,
      fix: meant === undefined ? `Add a field with name: ${name} and its path.` : `Did you mean ${meant}?`,
    });
  }
}

/** As govaluate reads them: texts and numbers are not names, `[a name]` may contain anything, a backslash escapes. */
function namesIn(expression: string): Set<string> {
  const names = new Set<string>();
  const tokens = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\[([^\]]*)\]|((?:[A-Za-z_]|\\.)(?:[\w.]|\\.)*)|\d[\w.]*/g;
  for (const [, bracketed, word] of expression.matchAll(tokens)) {
    const name = bracketed ?? word?.replace(/\\(.)/g, '$1');
    if (name !== undefined && !WORDS.has(name)) names.add(name);
  }
  return names;
}
