/** `source.resource`: the object itself, embedded in the manifest. */
import type { JsonObject } from '../../event/json';
import type { ReadResource } from './resource-source';

export const readEmbeddedResource: ReadResource<JsonObject> = (object) =>
  Promise.resolve({ object, origin: 'source.resource' });
