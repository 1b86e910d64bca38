/** Reads payloads and failures that the server hands out raw, as descriptions and histories do. */
import type { LoadedDataConverter, Payload, ProtoFailure } from '@temporalio/common';

export async function decodePayload<Value>(converter: LoadedDataConverter, payload: Payload): Promise<Value> {
  let decoded = [payload];
  for (const codec of [...converter.payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  return converter.payloadConverter.fromPayload<Value>(decoded[0] ?? payload);
}

/** Undefined where the failure has none. */
export async function decodeFailureMessage(
  converter: LoadedDataConverter,
  failure: ProtoFailure | null | undefined,
): Promise<string | undefined> {
  if (!failure) return undefined;
  if (!failure.encodedAttributes) return failure.message ?? undefined;
  const { message } = await decodePayload<{ readonly message?: string }>(converter, failure.encodedAttributes);
  return message ?? failure.message ?? undefined;
}
