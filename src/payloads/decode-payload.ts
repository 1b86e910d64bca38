/** Decodes payloads and failures that the server returns encoded, as in descriptions and histories. */
import type { LoadedDataConverter, Payload, ProtoFailure } from '@temporalio/common';

export async function decodePayload<Value>(converter: LoadedDataConverter, payload: Payload): Promise<Value> {
  let decoded = [payload];
  for (const codec of [...converter.payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  return converter.payloadConverter.fromPayload<Value>(decoded[0] ?? payload);
}

/** Returns undefined if the failure has no message. */
export async function decodeFailureMessage(
  converter: LoadedDataConverter,
  failure: ProtoFailure | null | undefined,
): Promise<string | undefined> {
  if (!failure) return undefined;
  if (!failure.encodedAttributes) return failure.message ?? undefined;
  const { message } = await decodePayload<{ readonly message?: string }>(converter, failure.encodedAttributes);
  return message ?? failure.message ?? undefined;
}
