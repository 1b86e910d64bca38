/** Prints what `sluice stac publish` published: at the end of one pass, or as it goes. */
import { describeError, isSluiceError } from '../../errors/sluice-error';
import type { Following } from '../../stac/follow-new-items';
import type { PublicationForm } from '../../stac/publication';
import type { PublishPass, PublishResult } from '../../stac/publish-new-items';
import type { PublishedItem, RedisTarget } from '../../stac/redis-publisher';
import type { Output } from './output';

/** The command as it was given. */
export interface Publishing {
  /** Without credentials. */
  readonly api: string;
  readonly collections: readonly string[];
  readonly target: RedisTarget;
  /** Without credentials. */
  readonly redis: string;
  readonly form: PublicationForm;
  readonly isDryRun: boolean;
  /** Published items are recorded in a file. */
  readonly isRemembered: boolean;
  readonly intervalMs: number;
  /** Creates a pass that begins now: `--last` is a window that ends now. */
  createPass(): Omit<PublishPass, 'onPage' | 'onWait' | 'onNote' | 'onPublished'>;
}

export function printPublications(result: PublishResult, publishing: Publishing, output: Output): void {
  printResult(result, publishing, output);
  for (const note of notesOf(result, publishing)) output.note(note);
}

/** Prints each item as it is published, and once what every pass finds again. */
export function printFollowing(publishing: Publishing, output: Output): Omit<Following, 'signal'> {
  const note = noteOnce(output);
  return {
    intervalMs: publishing.intervalMs,
    createPass: () => ({
      ...publishing.createPass(),
      onPublished: (published) => {
        const name = `${published.item.collection}/${published.item.id}`;
        const text = published.entryId === undefined ? name : `${name}  ${published.entryId}`;
        output.printLine({ data: itemData(published), text, name });
      },
      onWait: (reason, waitMs) => output.note(waitText(reason, waitMs)),
      onNote: note,
    }),
    onPass: (result) => {
      const skipped = skippedText(result);
      if (skipped !== undefined) note(skipped);
      if (result.receivers === 0) output.note(deafChannelText(publishing));
    },
    onRetry: (error, pauseMs) => output.note(`${describeError(error)}. Retrying in ${Math.ceil(pauseMs / 1000)} s`),
  };
}

function noteOnce(output: Output): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (text !== last) output.note(text);
    last = text;
  };
}

function printResult(result: PublishResult, publishing: Publishing, output: Output): void {
  const { found, alreadyPublished, published, skipped, uncertain, receivers, interruption } = result;
  const { api, collections, target, redis, form, isDryRun } = publishing;
  const showsEntries = target.kind === 'stream' && !isDryRun;
  output.print({
    data: {
      ...{ api, collections, target: { ...target, redis }, form, dryRun: isDryRun },
      ...{ complete: interruption === undefined, found, alreadyPublished, published: published.length },
      ...(receivers === undefined ? {} : { receivers }),
      ...(skipped.length > 0 && { skipped }),
      ...(uncertain > 0 && { uncertain }),
      ...(interruption?.kind === 'failed' && { error: errorData(interruption.error) }),
      items: published.map(itemData),
    },
    table: [
      {
        columns: ['item', 'datetime', 'cloud cover', ...(showsEntries ? ['entry'] : [])],
        rows: published.map(({ item, entryId }) => [
          item.id,
          item.datetime ?? '-',
          item.cloudCover === undefined ? '-' : `${item.cloudCover.toFixed(1)} %`,
          ...(entryId === undefined ? [] : [entryId]),
        ]),
        empty: 'No new items.',
      },
      summaryOf(result, publishing),
    ],
    names: published.map(({ item }) => `${item.collection}/${item.id}`),
  });
}

function summaryOf({ found, alreadyPublished, published }: PublishResult, { target, isDryRun }: Publishing): string {
  const verb = isDryRun ? 'would be published' : 'published';
  const before = alreadyPublished > 0 ? `; ${alreadyPublished} were published before` : '';
  return `${published.length} of ${found} items ${verb} to ${target.kind} ${target.name}${before}`;
}

function notesOf(result: PublishResult, publishing: Publishing): string[] {
  const { interruption, receivers, matched, found, published, uncertain } = result;
  const { maxItems } = publishing.createPass();
  const isShort = interruption === undefined && published.length < maxItems && matched !== undefined && found < matched;
  return [
    skippedText(result),
    receivers === 0 ? deafChannelText(publishing) : undefined,
    isShort ? `The API reports ${matched} matching items, but returned ${found} and no link to more.` : undefined,
    uncertain > 0 ? `${uncertain} more were sent, but Redis did not respond: they may have been published.` : undefined,
    interruption === undefined ? undefined : incompleteText(result, publishing),
  ].filter((note) => note !== undefined);
}

/** Describes what was published before the end, and how to continue without duplicates. */
function incompleteText({ published }: PublishResult, publishing: Publishing): string {
  const { target, isDryRun, isRemembered } = publishing;
  const count = published.length === 1 ? '1 item was' : `${published.length} items were`;
  const so = 'The search was not read to its end';
  if (isDryRun || published.length === 0) return `${so}.`;
  const next = isRemembered
    ? 'Run the same command again: the state file keeps it from announcing them twice.'
    : 'The same command would announce them again: narrow it to what is missing, or use --state FILE from now on.';
  return `${so}: ${count} published to ${target.kind} ${target.name} before. ${next}`;
}

function errorData(error: unknown): Record<string, unknown> {
  if (!isSluiceError(error)) return { message: describeError(error) };
  const { code, message, fix } = error;
  return { code, message, ...(fix !== undefined && { fix }) };
}

function itemData({ item, entryId }: PublishedItem): Record<string, unknown> {
  const { id, collection, datetime, updated, cloudCover, href } = item;
  return { id, collection, datetime, updated, cloudCover, href, ...(entryId === undefined ? {} : { entryId }) };
}

/** Returns undefined if every item that was found could be announced. */
function skippedText({ skipped }: Pick<PublishResult, 'skipped'>): string | undefined {
  const [first] = skipped;
  if (first === undefined) return undefined;
  const count = skipped.length === 1 ? '1 item was skipped' : `${skipped.length} items were skipped`;
  const name = first.id === undefined ? 'an item without id' : JSON.stringify(first.id);
  return `${count}: ${name}: ${first.reason}${skipped.length > 1 ? ' …' : ''}`;
}

export function waitText(reason: string, waitMs: number): string {
  return `waiting ${Math.ceil(waitMs / 1000)} s: ${reason}`;
}

function deafChannelText({ target }: Publishing): string {
  return `The channel "${target.name}" has no subscribers: Redis dropped the messages.`;
}
