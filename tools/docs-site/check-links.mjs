import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import process from 'node:process';
import { URL } from 'node:url';

const ORIGIN = 'http://site.invalid';

/**
 * The broken links between the pages of `folder`, which lies at the root of a server; other servers are not asked. It reads
 * files: through a server, a busy machine made good links look broken.
 */
export function findBrokenLinks(folder) {
  const pages = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html'));
  const anchors = new Map();
  const anchorsOf = (file) => {
    if (!anchors.has(file)) anchors.set(file, readAnchors(readFileSync(file, 'utf8')));
    return anchors.get(file);
  };
  return pages.sort().flatMap((page) => {
    const address = `${ORIGIN}/${page.split(sep).join('/')}`;
    const links = new Set(readLinks(readFileSync(join(folder, page), 'utf8')));
    return [...links].flatMap((link) => {
      const fault = faultOf(link, address, folder, anchorsOf);
      return fault === undefined ? [] : [{ page, link, fault }];
    });
  });
}

/** Prints each broken link, and ends the process with 1 if there is one. */
export function checkLinks(folder) {
  const broken = findBrokenLinks(folder);
  for (const { page, link, fault } of broken) process.stderr.write(`${page}: link to ${link}: ${fault}\n`);
  if (broken.length > 0) {
    process.stderr.write(`Broken links: ${broken.length}\n`);
    process.exit(1);
  }
}

function faultOf(link, address, folder, anchorsOf) {
  if (!URL.canParse(link, address)) return 'not a URL';
  const { origin, pathname, hash } = new URL(link, address);
  if (origin !== ORIGIN) return undefined;
  const named = join(folder, decodeURIComponent(pathname));
  const file = existsSync(named) && statSync(named).isDirectory() ? join(named, 'index.html') : named;
  if (!existsSync(file)) return `no file ${relative(folder, file)}`;
  const anchor = decodeURIComponent(hash.slice(1));
  if (anchor === '' || !file.endsWith('.html') || anchorsOf(file).has(anchor)) return undefined;
  return `${relative(folder, file)} has no heading with this id`;
}

function readLinks(html) {
  return [
    ...attributesOf(html, /^(?:href|src)$/),
    ...[...html.matchAll(/<meta http-equiv="refresh" content="\d+; url=([^"]*)"/g)].map(([, link]) => decode(link)),
  ];
}

function readAnchors(html) {
  return new Set(attributesOf(html, /^(?:id|name)$/));
}

/** Those of tags in the text: scripts hold other HTML as data. */
function attributesOf(html, wanted) {
  const text = html.replace(/(<script\b[^>]*>)[^]*?<\/script>/g, '$1').replace(/<!--[^]*?-->/g, '');
  return [...text.matchAll(/<[a-z][^\s>]*((?:\s+[^\s=>]+(?:=(?:"[^"]*"|'[^']*'|[^\s>]+))?)*)\s*\/?>/gi)].flatMap(
    ([, attributes]) =>
      [...attributes.matchAll(/([^\s=]+)=(?:"([^"]*)"|'([^']*)'|(\S+))/g)].flatMap(([, name, double, single, bare]) =>
        wanted.test(name) ? [decode(double ?? single ?? bare)] : [],
      ),
  );
}

function decode(text) {
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
