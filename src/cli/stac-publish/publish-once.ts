/** `sluice stac publish` without `--follow`: one pass and its result, even if it ended early. */
import { describeError, isSluiceError } from '../../errors/sluice-error';
import { publishNewItems, type PublishResult } from '../../stac/publish-new-items';
import { EXIT_CODES } from '../exit-codes';
import { createProgress } from '../printing/progress';
import type { Output } from '../printing/output';
import type { CliRuntime } from '../runtime';
import { deafChannelText, itemData, skippedText, waitText, type Publishing } from './publishing';

/** Throws the error that ended the pass early, after printing what was published before it. */
export async function publishOnce(publishing: Publishing, output: Output, cli: CliRuntime): Promise<void> {
  const progress = createProgress(cli.io);
  const result = await publishNewItems({
    ...publishing.createPass(),
    onPage: (found, matched) => progress.update(`${found}${matched === undefined ? '' : ` of ${matched}`} items read`),
    onWait: (reason, waitMs) => progress.update(waitText(reason, waitMs)),
    onNote: (text) => output.note(text),
  }).finally(() => progress.end());
  const { interruption } = result;
  const hasEffect = result.published.length > 0 || result.uncertain > 0;
  if (interruption?.kind === 'failed' && !hasEffect) throw interruption.error;

  printResult(result, publishing, output);
  for (const note of notesOf(result, publishing)) output.note(note);
  if (interruption?.kind === 'failed') throw interruption.error;
  if (interruption !== undefined || result.skipped.length > 0) cli.exitWith(EXIT_CODES.problem);
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
    isShort ? `The API says that ${matched} items match, but it gave ${found} and no link to more.` : undefined,
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
