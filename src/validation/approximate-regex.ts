/**
 * A first look at RE2 regular expressions without RE2: finds unbalanced brackets and what RE2 lacks. Used where the
 * expression module is not at hand; never refuses what RE2 accepts.
 */

/** What is wrong, or undefined if it looks right. */
export function approximateRegexMistake(pattern: string): string | undefined {
  if (/\\Q/.test(pattern)) return undefined;
  const outsideClasses = pattern
    .replace(/\\./gs, (escape) => (/\\[1-9]/.test(escape) ? '\u0000' : ''))
    .replace(/\[\]?[^\]]*\]/g, '');
  if (/\(\?<?[=!]/.test(outsideClasses)) return 'RE2 has no look-ahead and look-behind';
  if (outsideClasses.includes('\u0000')) return 'RE2 has no back-references';
  try {
    new RegExp(toJavaScript(pattern));
    return undefined;
  } catch (error) {
    return error instanceof Error
      ? error.message.replace(/^Invalid regular expression: \/.*\/\w*: /s, '')
      : String(error);
  }
}

/** Rewrites what only RE2 writes this way; the result need not match the same, only parse alike. */
function toJavaScript(pattern: string): string {
  return pattern
    .replace(/\[\[:\^?\w+:\]\]/g, '[a]')
    .replace(/\[:\^?\w+:\]/g, 'a')
    .replace(/\(\?P?<\w+>/g, '(')
    .replace(/\(\?[imsU-]+\)/g, '')
    .replace(/\(\?[imsU-]*:/g, '(?:')
    .replace(/([*+?}])\+/g, '$1')
    .replace(/\\x\{[0-9a-fA-F]+\}/g, 'a');
}
