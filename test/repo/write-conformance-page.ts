/** `npm run docs:conformance` */
import { writeFileSync } from 'node:fs';
import { CONFORMANCE_PAGE, findMissingProofs, renderConformancePage } from './conformance-page';

async function main(): Promise<void> {
  writeFileSync(CONFORMANCE_PAGE, await renderConformancePage());
  const missing = findMissingProofs();
  if (missing.length === 0) return;
  process.stderr.write(`proofs that do not exist:\n${missing.map((line) => `  ${line}\n`).join('')}`);
  process.exitCode = 1;
}

void main();
