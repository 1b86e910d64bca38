/**
 * The site of docs/, with the pages that lie beside it. Its sidebar is the table "Where to go next" of README.md, so a page
 * that is linked there has its place.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const { version: ofPackage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** `0.2.0 0.1.0`, from build-versions.mjs; absent in a site of one version. */
const version = process.env['DOCS_VERSION'] ?? ofPackage;
const versions = (process.env['DOCS_VERSIONS'] ?? '').split(' ').filter((name) => name !== '');

/** Where the site will lie, `/` or for instance `/0.1.0/`; and the web address of the code, for links to it. */
const base = process.env['DOCS_BASE'] ?? '/';
const repository = process.env['DOCS_REPOSITORY'];

const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md'];

const isPage = (path) => path.endsWith('.md') && (path.startsWith('docs/') || PAGES.includes(path));
const pagesIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${name}`)
    .filter((path) => path.endsWith('.md'))
    .sort();
const addressOf = (path) => `/${path.replace(/(^|\/)README\.md$/, '$1').replace(/\.md$/, '')}`;
const titleOf = (path) => {
  const heading = /^# (.+)$/m.exec(readFileSync(join(root, path), 'utf8'))?.[1] ?? path;
  return heading.replaceAll('`', '');
};

export default {
  title: 'Sluice',
  description: 'Durable, auditable event-driven automation for Kubernetes: Argo Events manifests on Temporal',
  base,
  lang: 'en',
  srcDir: root,
  srcExclude: ['**/node_modules/**', '!(docs)/**/!(README).md', '!(docs|bench)/**/README.md', '{coverage,dist,.*}/**'],
  outDir: join(root, 'dist', 'docs-site'),
  cacheDir: join(root, 'dist', 'docs-site-cache'),
  rewrites: asIndex,
  cleanUrls: false,
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    sidebar: sidebar(),
    nav: [
      versionMenu(),
      { text: 'API', link: '/api/index.html', target: '_self' },
      ...(repository === undefined ? [] : [{ text: 'Code', link: repository }]),
    ],
  },
  // Pages lie outside of this folder, where Vue is not found.
  vite: {
    plugins: [
      {
        name: 'vue-of-this-folder',
        enforce: 'pre',
        resolveId(source, importer, options) {
          if (!/^vue(\/|$)/.test(source) || importer === undefined || importer.startsWith(here)) return null;
          return this.resolve(source, join(here, 'build.mjs'), { ...options, skipSelf: true });
        },
      },
    ],
    build: { chunkSizeWarningLimit: 2_000 },
  },
  markdown: {
    // Links name headings as GitHub does; VitePress would put _ before a digit.
    anchor: { slugify: slugOfGitHub },
    config: (markdown) => {
      // Templates of Go look like those of Vue.
      markdown.core.ruler.push('no-templates', ({ tokens }) => {
        for (const token of tokens) if (token.nesting === 1 && token.level === 0) token.attrSet('v-pre', '');
      });
      markdown.core.ruler.push('links-of-the-repository', ({ tokens, env }) => {
        for (const { children } of tokens) adaptLinks(children ?? [], dirname(env.realPath ?? env.path));
      });
    },
  },
};

function slugOfGitHub(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

/** The other versions are other sites beside this one, whose base VitePress puts before every link. */
function versionMenu() {
  const text = `Version ${version}`;
  if (versions.length === 0) return { text, link: '/CHANGELOG' };
  return {
    text,
    items: [
      { text: 'Changes', link: '/CHANGELOG' },
      ...versions.map((name) => ({
        text: name === version ? `${name} (this one)` : name,
        link: `/../${name}/`,
        target: '_self',
      })),
    ],
  };
}

function sidebar() {
  const table = /## Where to go next\n([^]*)$/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  const groups = table.split('\n').flatMap((row) => {
    const [, title, links] = /^\| (.+?) +\| (.*\]\(.+) \|$/.exec(row) ?? [];
    if (links === undefined) return [];
    const paths = [...links.matchAll(/\]\(([^)#]+)\)/g)].flatMap(([, path]) =>
      path.endsWith('/') ? pagesIn(path.slice(0, -1)) : [path],
    );
    return [{ title, paths }];
  });
  const placed = new Set(groups.flatMap(({ paths }) => paths));
  const others = [...PAGES.slice(1), ...pagesIn('docs')].filter((path) => !placed.has(path));
  return [
    { text: 'Sluice', link: '/' },
    ...[...groups, { title: 'more', paths: others }].map(({ title, paths }) => ({
      text: title[0].toUpperCase() + title.slice(1),
      collapsed: true,
      items: paths.map((path) => ({ text: titleOf(path), link: addressOf(path) })),
    })),
  ];
}

/** The page of a folder. */
function asIndex(path) {
  return path.replace(/(^|\/)README\.md(?=$|#)/, '$1index.md');
}

/** Links to folders lead to a page in them; links to code lead to the repository, or are none. */
function adaptLinks(tokens, folder) {
  let isDropped = false;
  for (const token of tokens) {
    if (token.type === 'link_close' && isDropped) {
      [token.type, token.tag, token.nesting, isDropped] = ['text', '', 0, false];
    }
    const target = token.type === 'link_open' ? token.attrGet('href') : undefined;
    if (!target || /^([a-z]+:|#|\/)/.test(target)) continue;
    const [, name, anchor = ''] = /^([^#]*)(#.*)?$/.exec(target);
    const path = relative(root, join(folder, name));
    if (isPage(path)) token.attrSet('href', asIndex(target));
    if (!existsSync(join(root, path)) || isPage(path)) continue;
    const [page] = statSync(join(root, path)).isDirectory() && path.startsWith('docs/') ? pagesIn(path) : [];
    if (page !== undefined) token.attrSet('href', `${asIndex(relative(folder, join(root, page)))}${anchor}`);
    else if (repository !== undefined) token.attrSet('href', `${repository}/blob/v${version}/${path}${anchor}`);
    else [token.type, token.tag, token.nesting, token.attrs, isDropped] = ['text', '', 0, null, true];
  }
}
