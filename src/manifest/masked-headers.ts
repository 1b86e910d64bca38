/** Annotation `sluice.io/masked-headers`: which headers and query parameters of a webhook are credentials. */
import { z } from 'zod';

/** Plain JSON: it goes into workflow arguments. Names may contain `*`. */
export interface MaskedHeaders {
  /** Instead of the default list. */
  readonly only?: readonly string[];
  /** In addition to the default list. */
  readonly add?: readonly string[];
  /** Never masked; takes precedence over the others. */
  readonly show?: readonly string[];
}

const NAME = /^[+-]?[A-Za-z0-9!#$%&'*.^_`|~][A-Za-z0-9!#$%&'*.^_`|~-]*$/;
const MAX_NAMES = 100;
const EXPECTED =
  '+NAME to mask also, -NAME to show (such as "+X-Customer,-X-Hub-Signature-256"), or names without signs for a full list; ' +
  `at most ${MAX_NAMES}, and * stands for any characters`;

export const maskedHeaders = z.string().transform((text, context): MaskedHeaders => {
  const names = text.split(',').map((name) => name.trim());
  const withSign = (sign: string): string[] =>
    names.filter((name) => name.startsWith(sign)).map((name) => name.slice(sign.length));
  const add = withSign('+');
  const show = withSign('-');
  const signed = add.length + show.length;
  if (!names.every((name) => NAME.test(name)) || names.length > MAX_NAMES || (signed > 0 && signed < names.length)) {
    context.addIssue({ code: 'custom', message: EXPECTED });
    return z.NEVER;
  }
  if (show.some((name) => name.toLowerCase() === 'authorization')) {
    context.addIssue({ code: 'custom', message: `${EXPECTED}; Authorization is always masked` });
    return z.NEVER;
  }
  return signed === 0 ? { only: names } : { ...(add.length > 0 && { add }), ...(show.length > 0 && { show }) };
});
