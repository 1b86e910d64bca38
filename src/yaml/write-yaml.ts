/** YAML for the tools of Kubernetes. */
import { restoreNumbers } from './exact-numbers';
import { stringify, type CreateNodeOptions, type DocumentOptions, type ToStringOptions } from 'yaml';

/** Texts such as `n`, `on` and `1:30` are quoted: readers of YAML 1.1, as kubectl is, take them for something else. */
export function writeYaml(value: unknown, options: DocumentOptions & CreateNodeOptions & ToStringOptions = {}): string {
  return restoreNumbers(stringify(value, { aliasDuplicateObjects: false, ...options, version: '1.1' }));
}
