/** YAML for the tools of Kubernetes. */
import { restoreNumbers } from './exact-numbers';
import {
  stringify,
  type CreateNodeOptions,
  type DocumentOptions,
  type SchemaOptions,
  type ToStringOptions,
} from 'yaml';

type WriteOptions = DocumentOptions & SchemaOptions & CreateNodeOptions & ToStringOptions;

/** Quotes texts such as `n`, `on` and `1:30`: readers of YAML 1.1, such as kubectl, would read them as other types. */
export function writeYaml(value: unknown, options: WriteOptions = {}): string {
  return restoreNumbers(stringify(value, { aliasDuplicateObjects: false, ...options, version: '1.1' }));
}
