/**
 * A rough check of RE2 regular expressions without RE2: finds unbalanced brackets and syntax that RE2 lacks. Used if
 * the expression module is not available; never rejects an expression that RE2 accepts.
 */

/** The mistake, or undefined if none was found. */
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

/** Rewrites syntax that only RE2 has; the result need only parse alike, not match alike. */
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
