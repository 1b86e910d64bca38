import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repoRoot } from '../../dev/repo-root';

const checker = path.join(repoRoot, 'tools', 'docs-site', 'check-links.mjs');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-links-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Checks a site that consists of these files. */
function checkSite(pages: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(pages)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const script = `import { checkLinks } from ${JSON.stringify(checker)}; checkLinks(${JSON.stringify(folder)});`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return { status, faults: stderr.split('\n').filter((line) => line !== '') };
}

describe('the check of links in the site of the documentation', () => {
  it('accepts links to pages, folders, headings, images and other servers', () => {
    const site = checkSite({
      'index.html':
        '<a href="./docs/">1</a><a href="/docs/a%20b.html#1-start">2</a><img src="/x.png"><a href="#">3</a>',
      'docs/index.html': '<a href="../index.html">1</a><a href=https://elsewhere.example/gone#x>2</a>',
      'docs/a b.html': '<h2 id="1-start" tabindex="-1">Start</h2>',
      'x.png': '',
    });
    expect(site).toEqual({ status: 0, faults: [] });
  });

  it('names page, link and fault of each broken link', () => {
    const site = checkSite({
      'index.html': '<a class="x" href="docs/a.html#gone">1</a><a href="docs/b.html">2</a>',
      'docs/a.html': '<h2 id="here">Here</h2><a href="#nowhere&amp;else">3</a>',
    });
    expect(site.status).toBe(1);
    expect(site.faults).toEqual([
      'docs/a.html: link to #nowhere&else: docs/a.html has no heading with this id',
      'index.html: link to docs/a.html#gone: docs/a.html has no heading with this id',
      'index.html: link to docs/b.html: no file docs/b.html',
      'Broken links: 3',
    ]);
  });

  it('follows links from one version to another, and the page that redirects', () => {
    const site = checkSite({
      'index.html': '<meta http-equiv="refresh" content="0; url=/0.3.0/">',
      '0.2.0/index.html': '<a href="/0.2.0/../0.1.0/">older</a>',
      '0.1.0/index.html': '',
    });
    expect(site.faults).toEqual(['index.html: link to /0.3.0/: no file 0.3.0', 'Broken links: 1']);
  });

  it('takes no links from scripts and comments', () => {
    const site = checkSite({
      'index.html': `<script>const text = '<a href="gone.html">';</script><!-- <a href="gone.html"> -->`,
    });
    expect(site).toEqual({ status: 0, faults: [] });
  });
});
