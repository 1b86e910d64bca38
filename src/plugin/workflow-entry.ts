/**
 * Gives a worker our workflows beside its owner's.
 *
 * A TypeScript plugin cannot add workflows by itself: one bundle is made from one entry file. So where the owner has
 * an entry, a small one that exports both is written to a temporary folder and bundled instead.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { readFileSync } from 'node:fs';
import { SluiceError } from '../errors';
import { WORKFLOW_TYPES } from '../../workflows/identity';

const OUR_ENTRY = require.resolve('../../workflows');

/** Entry of the owner → combined entry, so that two plugins on one worker make one. */
const combined = new Map<string, string>();

/** Idempotent: the SDK asks again with its own former answer. */
export function combineWorkflows(ownersPath: string | undefined): string {
  if (ownersPath === undefined || ownersPath === OUR_ENTRY) return OUR_ENTRY;
  if ([...combined.values()].includes(ownersPath)) return ownersPath;
  const known = combined.get(ownersPath);
  if (known !== undefined) return known;
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-workflows-')), 'entry.js');
  writeFileSync(path, combinedEntry(ownersPath));
  combined.set(ownersPath, path);
  return path;
}

/** Two workflows of one name would silently hide each other: refuse that where both are in sight. */
function combinedEntry(ownersPath: string): string {
  return [
    `const owners = require(${JSON.stringify(ownersPath)});`,
    `const sluice = require(${JSON.stringify(OUR_ENTRY)});`,
    `for (const name of Object.keys(sluice)) {`,
    `  if (name in owners && owners[name] !== sluice[name]) {`,
    `    throw new Error('workflow "' + name + '" exists in your workflows and in Sluice; rename yours');`,
    `  }`,
    `}`,
    `module.exports = { ...owners, ...sluice };`,
    '',
  ].join('\n');
}

/**
 * A bundle that was built beforehand is taken as it is, so it must hold our workflows already.
 * @throws SluiceError PLUGIN_MISUSED naming what is missing.
 */
export function requireOurWorkflows(pluginName: string, bundle: WorkflowBundleOption): void {
  const code = 'code' in bundle ? bundle.code : readFileSync(bundle.codePath, 'utf8');
  const missing = Object.values(WORKFLOW_TYPES).filter(
    (type) => !new RegExp(`\\b${type}: \\(\\) =>|exports\\.${type} = `).test(code),
  );
  if (missing.length === 0) return;
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `${pluginName}: the workflow bundle lacks the workflows ${missing.join(', ')}`,
    fix: "Pass the plugin to bundleWorkflowCode({ plugins: [...] }) too, or write export * from 'sluice/workflows' in its entry",
  });
}
