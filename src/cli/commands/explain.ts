/** `sluice explain`: the whole story of one event, from its source to the outcome. */
import type { Command } from 'commander';
import { shortEventId } from '../../event/short-id';
import { parseDuration } from '../arguments';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import { findCandidates, type Candidate } from '../explain/find-event';
import { withBuses, type OpenBuses } from '../explain/open-buses';
import { readFacts } from '../explain/read-facts';
import { readRunsOf } from '../explain/read-runs';
import type { Story, VerdictState } from '../explain/story';
import { timelineOf } from '../explain/timeline';
import { verdictOf } from '../explain/verdict';
import type { CliIo } from '../io';
import type { Output } from '../output';
import { createProgress } from '../progress';
import type { RegisterCommand } from '../runtime';
import type { Tone } from '../style';
import { addTemporalOptions, withTemporal, type TemporalOptions, type TemporalSession } from '../temporal';

interface ExplainOptions extends TemporalOptions {
  namespace?: string;
  since?: number;
}

type Answer =
  | { readonly kind: 'story'; readonly story: Story }
  | { readonly kind: 'several'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'nothing'; readonly problems: readonly string[] };

const SHOWN_CANDIDATES = 50;
const BAD: readonly VerdictState[] = ['parked', 'failed', 'error', 'rejected'];
const GOOD: readonly VerdictState[] = ['succeeded', 'fired'];

const EXAMPLES = `
Examples:
  sluice explain stac/items:STREAM:1647495121754-0     # event key: <event source>/<event id>
  sluice explain 7q3mfk2x9abc                          # short id, as runs show it
  sluice explain 1647495121754-0                       # any part of the id, or of the event's data
  sluice explain S2B_10TFK_20210713_0_L2A -o json

Ends with 1 when nothing is known of the event, or when several fit.`;

export const registerExplain: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('explain <event-id>'))
    .summary('what became of an event')
    .description(
      'Tells what became of an event at its source, on the bus, in every sensor, and in the runs it started.',
    )
    .option('-n, --namespace <name>', 'look only at what is applied in this namespace (default: everywhere)')
    .option('--since <duration>', 'look only this far back, e.g. 24h (default: as far as there is)', parseDuration)
    .addHelpText('after', EXAMPLES)
    .action(async (text: string, options: ExplainOptions, command: Command) => {
      const answer = await withTemporal(options, cli.io, (session) =>
        withBuses(session, cli.io, options.namespace, (open) => explain(session, open, text, options, cli.io)),
      );
      cli.exitWith(print(answer, text, cli.output(command)));
    });
};

async function explain(
  session: TemporalSession,
  open: OpenBuses,
  text: string,
  { namespace, since }: ExplainOptions,
  io: CliIo,
): Promise<Answer> {
  const progress = createProgress(io);
  try {
    const from = since === undefined ? undefined : new Date(Date.now() - since);
    const found = await findCandidates(open.buses, text, from, (message) => progress.update(message));
    const candidates = found.length > 0 ? found : await findInRuns(session, text, namespace);
    const [candidate, ...others] = candidates;
    if (candidate === undefined) return { kind: 'nothing', problems: open.problems };
    if (others.length > 0) return { kind: 'several', candidates };
    progress.update('asking runs and sensors');
    const facts = await readFacts(session, open, candidate, namespace);
    const { key, shortId, id, source, subject, event, unknown } = facts;
    return {
      kind: 'story',
      story: {
        event: { key, shortId, id, source, subject, ...(event && { time: event.time, type: event.type }) },
        timeline: timelineOf(facts),
        verdict: verdictOf(facts),
        unknown,
      },
    };
  } finally {
    progress.end();
  }
}

/** The bus may have forgotten what runs still carry. */
async function findInRuns(session: TemporalSession, text: string, namespace: string | undefined): Promise<Candidate[]> {
  const runs = await readRunsOf(session, text, namespace);
  const keys = runs.flatMap(({ fires }) => fires ?? []).flatMap(({ events }) => events);
  const key = keys.find((candidate) => candidate === text || shortEventId(candidate) === text);
  if (key === undefined) return [];
  const at = key.indexOf('/');
  const id = key.slice(at + 1);
  const subject = id.split(':')[0] ?? '';
  return [{ key, source: key.slice(0, at), id, subject, decisions: [], stored: [] }];
}

function print(answer: Answer, text: string, output: Output): ExitCode {
  switch (answer.kind) {
    case 'story':
      printStory(answer.story, output);
      return EXIT_CODES.ok;
    case 'several':
      printCandidates(answer.candidates, text, output);
      return EXIT_CODES.problem;
    case 'nothing':
      output.print({
        data: { event: null, timeline: [], verdict: null, unknown: answer.problems },
        table: `Nothing is known of "${text}".`,
        names: [],
      });
      output.note('Events are known for as long as the bus keeps them, decisions for seven days, runs by retention.');
      for (const problem of answer.problems) output.note(problem);
      return EXIT_CODES.problem;
  }
}

function printStory(story: Story, output: Output): void {
  const { event, timeline, verdict, unknown } = story;
  output.print({
    data: story,
    table: [
      `${event.key}\nshort id ${event.shortId}; event source ${event.source}, event ${event.subject}`,
      {
        columns: ['time', 'stage', 'what', ''],
        rows: timeline.map(({ at, stage, what, text }) => [at, stage, { text: what, tone: toneOf(what) }, text]),
      },
      [`${output.paint(toneOf(verdict.state), verdict.state.toUpperCase())}  ${verdict.summary}`, ...unknown].join(
        '\n',
      ),
    ],
    names: [event.key],
  });
}

function toneOf(word: string): Tone {
  if (BAD.some((state) => state === word)) return 'bad';
  return GOOD.some((state) => state === word) ? 'good' : 'quiet';
}

function printCandidates(candidates: readonly Candidate[], text: string, output: Output): void {
  const shown = candidates.slice(-SHOWN_CANDIDATES);
  output.print({
    data: {
      candidates: candidates.map(({ key, source, subject, id }) => ({
        key,
        shortId: shortEventId(key),
        id,
        source,
        subject,
      })),
    },
    table: {
      columns: ['event', 'short id', 'last seen'],
      rows: shown.map((candidate) => [candidate.key, shortEventId(candidate.key), lastSeen(candidate)]),
    },
    names: candidates.map(({ key }) => key),
  });
  output.note(`${candidates.length} events fit "${text}". Give the key or the short id of one of them.`);
}

function lastSeen({ decisions, stored }: Candidate): string {
  const published = stored.at(-1)?.publishedAt;
  return decisions.at(-1)?.at ?? (published === undefined ? '' : new Date(published).toISOString());
}
