/** The manifests of the water-bodies example, as the demo applies them. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTemporaryFolder } from '../processes/temporary-folder';
import { repoRoot } from '../repo-root';
import type { RunningKubernetes } from '../servers';

const EXAMPLE = join(repoRoot, 'examples', 'water-bodies');
const TEMPLATE_WITHOUT_PODS = join(repoRoot, 'dev', 'demo', 'workflow-template-without-pods.yaml');

export interface DemoExample {
  /** Folder to apply. */
  readonly path: string;
  /** The folder was created for this run and has to be removed. */
  readonly temporary: boolean;
}

/**
 * Returns the example unchanged for the stand-in, which runs no step. A real controller runs each step, and a cluster
 * rarely has what the example's detection needs: there the Workflow waits for a moment instead, without a pod.
 */
export async function prepareExample({ ownership }: RunningKubernetes): Promise<DemoExample> {
  if (ownership === 'own') return { path: EXAMPLE, temporary: false };
  const path = await createTemporaryFolder('demo');
  await cp(EXAMPLE, path, { recursive: true });
  await writeFile(join(path, 'workflow-template.yaml'), await readFile(TEMPLATE_WITHOUT_PODS));
  return { path, temporary: true };
}
