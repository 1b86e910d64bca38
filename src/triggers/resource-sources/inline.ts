/** `source.inline`: the object as text in the manifest. */
import type { ReadResource } from './resource-source';

export const readInline: ReadResource<string> = (text) => Promise.resolve({ text, origin: 'source.inline' });
