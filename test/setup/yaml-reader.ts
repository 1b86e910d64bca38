/** Reads YAML in tests as workers do. Call `close` when the suite has ended. */
import { createYamlReader } from '../../activities/worker/read-yaml';
import { createExpressionEngine } from '../../src/expressions';
import type { ReadYamlObject } from '../../src/triggers/resource-sources/parse-object';

export function startYamlReader(): { readonly readYaml: ReadYamlObject; close(): Promise<void> } {
  const engine = createExpressionEngine();
  return { readYaml: createYamlReader(engine), close: () => engine.close() };
}

/** For triggers whose object is never fetched as text. */
export const noYaml: ReadYamlObject = () => Promise.reject(new Error('no YAML is expected to be read'));
