/**
 * Credentials inside URLs: user information, and parameters of the query and the fragment.
 *
 * Headers such as `Referer` or `X-Original-URL` repeat the URL of another request, credentials included, and a
 * parameter such as `next` may hold a whole percent-encoded URL.
 */

/** Needs no encoding in a URL. */
const URL_MASK = '***';

/** A URL within a URL within a URL. */
const MAX_NESTING = 3;
const USER_INFORMATION = /:\/\/[^\s/?#"'<>]+@/g;
const PARAMETER = /(^|[?&#;])([^\s?&#;="'<>,]+)=([^\s?&#;"'<>,]*)/g;

/** Returns the text with `***` in place of every credential. `isCredential` decides by a parameter's name. */
export function maskUrls(text: string, isCredential: (name: string) => boolean, nesting = MAX_NESTING): string {
  return text
    .replace(USER_INFORMATION, `://${URL_MASK}@`)
    .replace(PARAMETER, (all: string, sign: string, name: string, value: string) => {
      if (isCredential(decode(name))) return `${sign}${name}=${URL_MASK}`;
      if (!value.includes('%')) return all;
      // Text that is encoded more often than real URLs nest is masked instead of searched.
      if (nesting === 0) return `${sign}${name}=${URL_MASK}`;
      const decoded = decode(value);
      const masked = maskUrls(decoded, isCredential, nesting - 1);
      return masked === decoded ? all : `${sign}${name}=${encodeURIComponent(masked)}`;
    });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
