/** `sluice stac publish --follow`: pass after pass until the command is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, isSluiceError, type SluiceError } from '../../errors/sluice-error';
import { publishNewItems, type PublishResult } from '../../stac/publish-new-items';
import type { CliIo } from '../io';
import type { Output } from '../printing/output';
import { deafChannelText, itemData, skippedText, waitText, type Publishing } from './publishing';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** Retries transient failures until the command is stopped; throws permanent ones. */
export async function follow(publishing: Publishing, output: Output, io: CliIo): Promise<void> {
  const note = noteOnce(output);
  for (let failures = 0; !io.signal.aborted;) {
    const result = await publishNewItems({
      ...publishing.createPass(),
      onPublished: (published) => {
        const name = `${published.item.collection}/${published.item.id}`;
        const text = published.entryId === undefined ? name : `${name}  ${published.entryId}`;
        output.printLine({ data: itemData(published), text, name });
      },
      onWait: (reason, waitMs) => output.note(waitText(reason, waitMs)),
      onNote: note,
    });
    const skipped = skippedText(result);
    if (skipped !== undefined) note(skipped);
    if (result.receivers === 0) output.note(deafChannelText(publishing));
    if (io.signal.aborted) return;
    const error = transientErrorOf(result);
    failures = error === undefined ? 0 : failures + 1;
    const pauseMs = pauseAfter(publishing.intervalMs, failures, error?.retryAfterMs);
    if (error !== undefined) output.note(`${describeError(error)}. Retrying in ${Math.ceil(pauseMs / 1000)} s`);
    await sleep(pauseMs, undefined, { signal: io.signal }).catch(() => undefined);
  }
}

/** Returns the transient error of an interrupted pass; throws a permanent one. */
function transientErrorOf({ interruption }: PublishResult): SluiceError | undefined {
  if (interruption?.kind !== 'failed') return undefined;
  const { error } = interruption;
  if (isSluiceError(error) && error.retryable) return error;
  throw error;
}

/** Returns at least the interval; longer after failures, and as long as the server requests. */
function pauseAfter(intervalMs: number, failures: number, retryAfterMs = 0): number {
  const backOffMs = failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.max(intervalMs, backOffMs, retryAfterMs);
}

/** Prints once what every pass finds again. */
function noteOnce(output: Output): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (text !== last) output.note(text);
    last = text;
  };
}
