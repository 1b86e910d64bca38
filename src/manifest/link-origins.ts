/** The annotation `sluice.io/hydrate-from`: the servers that links in events may lead to. */
import { z } from 'zod';

const EXPECTED =
  'https://HOST, with commas between several; http://, a port, and * for the first label of the name are allowed: https://*.example.com';

/** As `URL` writes origins. Whoever can send an event chooses the link, so nothing is allowed that is not named. */
export const linkOriginsAnnotation = z.string().transform((text, context): readonly string[] => {
  const origins = text.split(',').map((part) => readOrigin(part.trim()));
  const known = origins.filter((origin) => origin !== undefined);
  if (known.length === origins.length) return known;
  context.addIssue({ code: 'custom', message: EXPECTED });
  return z.NEVER;
});

function readOrigin(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return undefined;
  const isBare = url.username + url.password + url.search + url.hash === '' && url.pathname === '/';
  // `*.com` would be everything.
  const isHost = !url.hostname.includes('*') || /^\*(\.[^.*]+){2,}$/.test(url.hostname);
  return isBare && isHost ? `${url.protocol}//${url.host}` : undefined;
}
