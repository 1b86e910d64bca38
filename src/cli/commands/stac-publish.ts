/** `sluice stac publish`: announces the items of a STAC API on Redis, once or continuously. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error';
import { isJsonObject } from '../../event/json';
import { isJsonText, readJson, type ObjectDocument } from '../../event/json-text';
import { followNewItems } from '../../stac/follow-new-items';
import type { PublicationForm } from '../../stac/publication';
import { publishNewItems } from '../../stac/publish-new-items';
import { createMemoryRecord, openFileRecord, type PublishedRecord } from '../../stac/published-record';
import { createRedisPublisher, redisAddress, type RedisTarget } from '../../stac/redis-publisher';
import { StacConnection } from '../../stac/stac-connection';
import type { SearchMethod, StacSearch } from '../../stac/search-request';
import { EXIT_CODES } from '../exit-codes';
import { collectList, parseBbox, parseDatetimeInterval, parseDuration, parsePositiveInteger } from '../arguments';
import type { CliIo } from '../io';
import type { Output } from '../printing/output';
import { printFollowing, printPublications, waitText, type Publishing } from '../printing/print-publications';
import { createProgress } from '../printing/progress';
import type { CliRuntime, RegisterCommand } from '../runtime';

interface StacPublishOptions {
  api: string;
  collection: string[];
  bbox?: number[];
  datetime?: string;
  last?: number;
  filter?: string;
  method: SearchMethod;
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
  # Announce the scenes of five days on a stream, as the water-bodies
  # system does
  sluice stac publish --api https://earth-search.aws.element84.com/v1 \\
    --collection sentinel-2-l2a \\
    --bbox -121.399,39.834,-120.74,40.472 --datetime 2021-07-04/2021-07-09 \\
    --redis redis://localhost:6379 --stream STREAM --form flat

  # Keep announcing new and re-processed scenes of the last week on a channel
  sluice stac publish --api https://earth-search.aws.element84.com/v1 \\
    --collection sentinel-2-l2a \\
    --last 7d --redis redis://localhost:6379 --channel stac-events --follow \\
    --interval 1m

Messages, one for each item:
  --form item   channel: the item as JSON
                stream: fields subject, producer, href, item (the item as JSON)
  --form flat   channel: {"subject", "producer", "href"} as JSON
                stream: fields subject, producer, href
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
    .addOption(
      new Option('--method <method>', 'auto: POST where the API takes it, else GET; or get, post')
        .argParser(parseMethod)
        .default('auto'),
    )
    .option('--limit <n>', 'items per page', parsePositiveInteger, 100)
    .option('--max-items <n>', 'publish at most this many items per pass', parsePositiveInteger)
    .addOption(
      new Option('--redis <url>', 'redis://[user:password@]host:port[/db], rediss:// for TLS')
        .env('SLUICE_REDIS_URL')
        .makeOptionMandatory(),
    )
    .addOption(new Option('--channel <name>', 'publish to this channel').conflicts('stream'))
    .option('--stream <name>', 'add to this stream')
    .addOption(new Option('--form <form>', 'what a message holds').choices(['item', 'flat']).default('item'))
    .option('--producer <name>', 'value of the field "producer"', 'sluice')
    .option('--follow', 'keep searching, publish new and re-processed items')
    .addOption(
      new Option('--interval <duration>', 'with --follow: time between searches')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .option('--state <file>', 'file that records published items (default with --follow: in ~/.local/state/sluice)')
    .option('--dry-run', 'show what would be published')
    .addHelpText('after', EXAMPLES)
    .action(async (options: StacPublishOptions, command: Command) => {
      await stacPublish(options, cli.output(command), cli);
    });
};

async function stacPublish(options: StacPublishOptions, output: Output, cli: CliRuntime): Promise<void> {
  const { io } = cli;
  const target = targetOf(options);
  const { api, headers } = apiOf(options);
  const search = (): StacSearch => ({
    ...{ api, headers, method: options.method },
    collections: options.collection,
    bbox: options.bbox,
    datetime: options.last === undefined ? options.datetime : `${new Date(Date.now() - options.last).toISOString()}/..`,
    filter: filterOf(options),
    pageSize: Math.min(options.limit, options.maxItems ?? options.limit),
  });
  search(); // Rejects bad options before anything is opened.
  const record = await openRecord(options, api, target, output, io);
  const connection = new StacConnection(new URL(api));
  try {
    const publisher = options.dryRun
      ? undefined
      : await createRedisPublisher({ url: options.redis, target, form: options.form, producer: options.producer });
    try {
      const publishing: Publishing = {
        ...{ api, collections: options.collection, target, redis: redisAddress(options.redis), form: options.form },
        isDryRun: options.dryRun ?? false,
        isRemembered: options.state !== undefined,
        intervalMs: options.interval,
        createPass: () => ({
          ...{ search: search(), connection, record, publisher, signal: io.signal },
          maxItems: options.maxItems ?? Infinity,
        }),
      };
      if (options.follow) await followNewItems({ ...printFollowing(publishing, output), signal: io.signal });
      else await publishOnce(publishing, output, cli);
    } finally {
      publisher?.close();
    }
  } finally {
    await connection.close();
    await record.close();
  }
}

/** Throws the error that ended the pass early, after printing what was published before it. */
async function publishOnce(publishing: Publishing, output: Output, cli: CliRuntime): Promise<void> {
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

  printPublications(result, publishing, output);
  if (interruption?.kind === 'failed') throw interruption.error;
  if (interruption !== undefined || result.skipped.length > 0) cli.exitWith(EXIT_CODES.problem);
}

function targetOf(options: StacPublishOptions): RedisTarget {
  redisAddress(options.redis);
  if (options.channel !== undefined) return { kind: 'channel', name: options.channel };
  if (options.stream !== undefined) return { kind: 'stream', name: options.stream };
  throw new SluiceError('USAGE', { message: 'No target', fix: 'Give --channel NAME or --stream NAME' });
}

/** Credentials in the address are moved to a header, so that no message and no other host gets them. */
function apiOf({ api }: StacPublishOptions): Pick<StacSearch, 'api' | 'headers'> {
  const url = URL.canParse(api) ? new URL(api) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new SluiceError('USAGE', { message: '--api: expected an http or https address' });
  }
  if (url.username === '' && url.password === '') return { api };
  const credentials = Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString('base64');
  url.username = '';
  url.password = '';
  return { api: url.href, headers: { authorization: `Basic ${credentials}` } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A literal percent sign.
    return text;
  }
}

function parseMethod(text: string): SearchMethod {
  const method = text.toLowerCase();
  if (method === 'auto' || method === 'get' || method === 'post') return method;
  throw new InvalidArgumentError('Expected auto, get or post.');
}

function filterOf(options: StacPublishOptions): string | ObjectDocument | undefined {
  if (!options.filter?.trimStart().startsWith('{')) return options.filter;
  try {
    const filter = readJson(options.filter);
    if (isJsonText(filter) || isJsonObject(filter)) return filter;
    throw new TypeError('not an object');
  } catch (error) {
    throw new SluiceError('USAGE', { message: '--filter starts with { but is not JSON', cause: error });
  }
}

async function openRecord(
  options: StacPublishOptions,
  api: string,
  target: RedisTarget,
  output: Output,
  io: CliIo,
): Promise<PublishedRecord> {
  if (options.state === undefined && !options.follow) return createMemoryRecord();
  const purpose = `${target.kind} ${target.name} at ${redisAddress(options.redis)}`;
  const file = options.state ?? defaultStateFile(`${api} ${options.collection.join(',')} ${purpose}`, io);
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
