/** Run by `npm run build`. */
import { buildWorkflowBundles } from './workflow-bundle';

buildWorkflowBundles().catch((error: unknown) => {
  process.stderr.write(`workflow bundles: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
