/** `npm run docs:chart` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { CHART, renderValues, renderValuesPage } from './chart-values';

async function main(): Promise<void> {
  writeFileSync(join(CHART, 'values.yaml'), await renderValues());
  writeFileSync(join(repoRoot, 'docs/helm-values.md'), await renderValuesPage());
}

void main();
