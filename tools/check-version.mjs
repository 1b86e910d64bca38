// One version everywhere:  node tools/check-version.mjs [TAG]
// Compares package.json, the chart and the Dockerfile, and a tag of Git such as v0.1.0 with them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file) => readFileSync(join(root, file), 'utf8');

const [tag] = process.argv.slice(2);
const { version } = JSON.parse(read('package.json'));
const chart = read('deploy/helm/sluice/Chart.yaml');
const found = {
  'deploy/helm/sluice/Chart.yaml, version': /^version: (\S+)$/m.exec(chart)?.[1],
  'deploy/helm/sluice/Chart.yaml, appVersion': /^appVersion: '?([^'\s]+)'?$/m.exec(chart)?.[1],
  'Dockerfile, ARG VERSION': /^ARG VERSION=(\S+)$/m.exec(read('Dockerfile'))?.[1],
  ...(tag !== undefined && { [`tag ${tag}`]: tag.replace(/^v/, '') }),
};
const wrong = Object.entries(found).filter(([, each]) => each !== version);
for (const [place, each] of wrong) process.stderr.write(`${place}: ${each}, but package.json has ${version}\n`);
if (wrong.length > 0) process.exit(1);
