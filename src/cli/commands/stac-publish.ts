/** `sluice stac publish`: announces the items of a STAC API on Redis, once or for ever. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { describeError, isSluiceError, SluiceError } from '../../errors';
import { isJsonObject, parseJson, type JsonObject } from '../../event/json';
import type { PublicationForm } from '../../stac/publication';
import { publishNewItems, type PublishPass } from '../../stac/publish-new-items';
import { createMemoryRecord, openFileRecord, type PublishedRecord } from '../../stac/published-record';
import { createRedisPublisher, redisAddress, type RedisTarget } from '../../stac/redis-publisher';
import type { StacSearch } from '../../stac/search';
import type { StacItem } from '../../stac/stac-item';
import { collectList, parseBbox, parseDatetimeInterval, parseDuration, parsePositiveInteger } from '../arguments';
import type { CliIo } from '../io';
import type { Output } from '../output';
import { createProgress } from '../progress';
import type { RegisterCommand } from '../runtime';

interface StacPublishOptions {
  api: string;
  collection: string[];
  bbox?: number[];
  datetime?: string;
  last?: number;
  filter?: string;
  limit: number;
  maxItems?: number;
  redis: string;
  channel?: string;
  stream?: string;
  form: PublicationForm;
  producer: string;
  follow?: boolean;
  interval: number;
  state?: string;
  dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  # Announce the scenes of five days on a stream, as the water-bodies system does
  sluice stac publish --api https://earth-search.aws.element84.com/v1 --collection sentinel-2-l2a \\
    --bbox -121.399,39.834,-120.74,40.472 --datetime 2021-07-04/2021-07-09 \\
    --redis redis://localhost:6379 --stream STREAM --form flat

  # Keep announcing new and re-processed scenes of the last week on a channel
  sluice stac publish --api https://earth-search.aws.element84.com/v1 --collection sentinel-2-l2a \\
    --last 7d --redis redis://localhost:6379 --channel stac-events --follow --interval 1m

Messages, one for each item:
  --form item   channel: the item as JSON; stream: fields subject, producer, href, item (the item as JSON)
  --form flat   channel: {"subject", "producer", "href"} as JSON; stream: fields subject, producer, href
  subject and href are the address of the item.`;

export const registerStacPublish: RegisterCommand = (stac, cli) => {
  stac
    .command('publish')
    .summary('announce the items of a STAC API on Redis')
    .description('Searches a STAC API and publishes one message for each item to a Redis channel or stream.')
    .requiredOption('--api <url>', 'root of the STAC API')
    .requiredOption('--collection <ids>', 'collection; may be repeated', collectList)
    .option('--bbox <w,s,e,n>', 'area in degrees', parseBbox)
    .addOption(
      new Option('--datetime <interval>', 'instant or interval, RFC 3339, or days')
        .argParser(parseDatetimeInterval)
        .conflicts('last'),
    )
    .option('--last <duration>', 'instead of --datetime: a window that ends now, e.g. 7d', parseDuration)
    .option('--filter <cql2>', 'CQL2 text, or CQL2 JSON when it starts with {')
    .option('--limit <n>', 'items a page', parsePositiveInteger, 100)
    .option('--max-items <n>', 'publish at most this many items a pass', parsePositiveInteger)
    .addOption(
      new Option('--redis <url>', 'redis://[user:password@]host:port[/db], rediss:// for TLS')
        .env('SLUICE_REDIS_URL')
        .makeOptionMandatory(),
    )
    .addOption(new Option('--channel <name>', 'publish to this channel').conflicts('stream'))
    .option('--stream <name>', 'add to this stream')
    .addOption(new Option('--form <form>', 'what a message holds').choices(['item', 'flat']).default('item'))
    .option('--producer <name>', 'value of the field "producer"', 'sluice')
    .option('--follow', 'keep searching, publish what is new or was re-processed')
    .addOption(
      new Option('--interval <duration>', 'with --follow: time between searches')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .option(
      '--state <file>',
      'file that remembers what was published (default with --follow: in ~/.local/state/sluice)',
    )
    .option('--dry-run', 'show what would be published')
    .addHelpText('after', EXAMPLES)
    .action(async (options: StacPublishOptions, command: Command) => {
      await stacPublish(options, cli.output(command), cli.io);
    });
};

async function stacPublish(options: StacPublishOptions, output: Output, io: CliIo): Promise<void> {
  const target = targetOf(options);
  const search = (): StacSearch => ({
    api: apiOf(options),
    collections: options.collection,
    bbox: options.bbox,
    datetime: options.last === undefined ? options.datetime : `${new Date(Date.now() - options.last).toISOString()}/..`,
    filter: filterOf(options),
    pageSize: Math.min(options.limit, options.maxItems ?? options.limit),
  });
  search(); // Refuses bad options before anything is opened.
  const record = await openRecord(options, target, output, io);
  try {
    const publisher = options.dryRun
      ? undefined
      : await createRedisPublisher({ url: options.redis, target, form: options.form, producer: options.producer });
    try {
      const passOf = (): Omit<PublishPass, 'onPage' | 'onWait' | 'onPublished'> => ({
        search: search(),
        record,
        publisher,
        maxItems: options.maxItems ?? Infinity,
        signal: io.signal,
      });
      if (options.follow) await follow(passOf, options, output, io);
      else await publishOnce(passOf(), options, target, output, io);
    } finally {
      publisher?.close();
    }
  } finally {
    await record.close();
  }
}

async function publishOnce(
  pass: PublishPass,
  options: StacPublishOptions,
  target: RedisTarget,
  output: Output,
  io: CliIo,
): Promise<void> {
  const progress = createProgress(io);
  const result = await publishNewItems({
    ...pass,
    onPage: (found, matched) => progress.update(`${found}${matched === undefined ? '' : ` of ${matched}`} items read`),
    onWait: (reason, waitMs) => progress.update(`waiting ${Math.ceil(waitMs / 1000)} s: ${reason}`),
  }).finally(() => progress.end());
  const { found, alreadyPublished, published, receivers } = result;
  const verb = options.dryRun ? 'would be published' : 'published';
  output.print({
    data: {
      api: options.api,
      collections: options.collection,
      target: { ...target, redis: redisAddress(options.redis) },
      form: options.form,
      dryRun: options.dryRun ?? false,
      found,
      alreadyPublished,
      published: published.length,
      ...(receivers === undefined ? {} : { receivers }),
      items: published.map(({ item, entryId }) => itemData(item, entryId)),
    },
    table: [
      {
        columns: ['item', 'datetime', 'cloud cover', ...(target.kind === 'stream' && !options.dryRun ? ['entry'] : [])],
        rows: published.map(({ item, entryId }) => [
          item.id,
          item.datetime ?? '-',
          item.cloudCover === undefined ? '-' : `${item.cloudCover.toFixed(1)} %`,
          ...(entryId === undefined ? [] : [entryId]),
        ]),
        empty: 'No new items.',
      },
      `${published.length} of ${found} items ${verb} to ${target.kind} ${target.name}` +
        (alreadyPublished > 0 ? `; ${alreadyPublished} were published before` : ''),
    ],
    names: published.map(({ item }) => `${item.collection}/${item.id}`),
  });
  if (receivers === 0) output.note(`Nobody is subscribed to the channel "${target.name}": Redis dropped the messages.`);
}

/** Ends only when it is told to; a server that is away for a while is asked again at the next interval. */
async function follow(
  passOf: () => PublishPass,
  options: StacPublishOptions,
  output: Output,
  io: CliIo,
): Promise<void> {
  while (!io.signal.aborted) {
    try {
      const result = await publishNewItems({
        ...passOf(),
        onPublished: (item, entryId) =>
          output.printLine({
            data: itemData(item, entryId),
            text: `${item.collection}/${item.id}${entryId === undefined ? '' : `  ${entryId}`}`,
            name: `${item.collection}/${item.id}`,
          }),
        onWait: (reason, waitMs) => output.note(`waiting ${Math.ceil(waitMs / 1000)} s: ${reason}`),
      });
      if (result.receivers === 0)
        output.note(`Nobody is subscribed to "${options.channel}": Redis dropped the messages.`);
    } catch (error) {
      if (io.signal.aborted) return;
      if (!isSluiceError(error) || !error.retryable) throw error;
      output.note(`${describeError(error)}. Trying again in ${Math.ceil(options.interval / 1000)} s`);
    }
    await sleep(options.interval, undefined, { signal: io.signal }).catch(() => undefined);
  }
}

function itemData(item: StacItem, entryId: string | undefined): Record<string, unknown> {
  const { id, collection, datetime, updated, cloudCover, href } = item;
  return { id, collection, datetime, updated, cloudCover, href, ...(entryId === undefined ? {} : { entryId }) };
}

function targetOf(options: StacPublishOptions): RedisTarget {
  redisAddress(options.redis);
  if (options.channel !== undefined) return { kind: 'channel', name: options.channel };
  if (options.stream !== undefined) return { kind: 'stream', name: options.stream };
  throw new SluiceError('USAGE', { message: 'No target', fix: 'Give --channel NAME or --stream NAME' });
}

function apiOf(options: StacPublishOptions): string {
  const url = URL.canParse(options.api) ? new URL(options.api) : undefined;
  if (url && ['http:', 'https:'].includes(url.protocol)) return options.api;
  throw new SluiceError('USAGE', { message: `--api ${options.api}: expected an http or https address` });
}

function filterOf(options: StacPublishOptions): string | JsonObject | undefined {
  if (!options.filter?.trimStart().startsWith('{')) return options.filter;
  try {
    const filter = parseJson(options.filter);
    if (isJsonObject(filter)) return filter;
    throw new TypeError('not an object');
  } catch (error) {
    throw new SluiceError('USAGE', { message: '--filter starts with { but is no JSON', cause: error });
  }
}

async function openRecord(
  options: StacPublishOptions,
  target: RedisTarget,
  output: Output,
  io: CliIo,
): Promise<PublishedRecord> {
  if (options.state === undefined && !options.follow) return createMemoryRecord();
  const purpose = `${target.kind} ${target.name} at ${redisAddress(options.redis)}`;
  const file = options.state ?? defaultStateFile(`${options.api} ${options.collection.join(',')} ${purpose}`, io);
  const record = await openFileRecord(file, purpose);
  if (options.follow)
    output.note(`Following every ${options.interval / 1000} s; ${record.size} items known from ${file}`);
  return record;
}

function defaultStateFile(identity: string, io: CliIo): string {
  const base = io.env['XDG_STATE_HOME'] || path.join(homedir(), '.local', 'state');
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 12);
  return path.join(base, 'sluice', `stac-publish-${digest}.txt`);
}
