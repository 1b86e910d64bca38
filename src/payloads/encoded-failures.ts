/** Puts messages and stacks of failures into payloads, so that they are encrypted too. Loaded by path, also in bundles. */
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
