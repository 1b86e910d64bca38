/** `sluice explain`: the whole story of one event, from its source to the outcome. */
import type { Command } from 'commander';
import { shortEventId } from '../../event/short-id';
import { parseDuration } from '../arguments';
import { EXIT_CODES, type ExitCode } from '../exit-codes';
import {
  explainEvent,
  type ExplainOptions,
  type Explanation,
  type JudgedCandidate,
} from '../../control/explain/explain-event';
import type { Candidate } from '../../control/explain/find-event';
import { withBuses } from '../../control/explain/open-buses';
import { describeStory, toneOf } from '../printing/print-story';
import type { Output } from '../printing/output';
import { createProgress } from '../printing/progress';
import type { RegisterCommand } from '../runtime';
import { wrap } from '../printing/wrap';
import { withTemporal, type TemporalOptions } from '../../control/temporal-session';
import { addTemporalOptions } from '../temporal-options';

interface ExplainCommandOptions extends TemporalOptions {
  namespace?: string;
  since?: number;
}

const SHOWN_CANDIDATES = 50;

const EXAMPLES = `
Examples:
  sluice explain stac/items:STREAM:1647495121754-0   # <event source>/<event id>
  sluice explain 7q3mfk2x9abc        # short id, as runs show it
  sluice explain 1647495121754-0     # any part of the id, or of the data
  sluice explain S2B_10TFK_20210713_0_L2A -o json

Exit codes here:
  0  the event was found; verdict.state of -o json has its state
  1  no trace of it was found, or several events match
  3  no trace of it was found, and a bus could not be read`;

export const registerExplain: RegisterCommand = (program, cli) => {
  addTemporalOptions(program.command('explain <event-id>'))
    .summary('show what happened to an event')
    .description('Shows what happened to an event, what to do, and its path: source, bus, sensors, runs, outcomes.')
    .option('-n, --namespace <name>', 'search only objects applied in this namespace (default: all)')
    .option('--since <duration>', 'search only this far back, e.g. 24h (default: no limit)', parseDuration)
    .addHelpText('after', EXAMPLES)
    .action(async (text: string, options: ExplainCommandOptions, command: Command) => {
      const progress = createProgress(cli.io);
      progress.update('connecting');
      const answer = await withTemporal(options, cli.io, (session) =>
        withBuses(session, cli.io, options.namespace, (open) =>
          explainEvent(session, open, text, explainOptions(options), (what) => progress.update(what)),
        ),
      ).finally(() => progress.end());
      cli.exitWith(print(answer, text, cli.output(command)));
    });
};

function explainOptions({ namespace, since }: ExplainCommandOptions): ExplainOptions {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(since !== undefined && { from: new Date(Date.now() - since) }),
  };
}

function print(answer: Explanation, text: string, output: Output): ExitCode {
  switch (answer.kind) {
    case 'story':
      output.print({
        data: answer.story,
        table: describeStory(answer.story, output.paint, output.width),
        names: [answer.story.event.key],
      });
      return EXIT_CODES.ok;
    case 'several':
      printCandidates(answer.candidates, text, output);
      for (const problem of answer.problems) output.note(problem);
      return EXIT_CODES.problem;
    case 'nothing': {
      const { problems, hints } = answer;
      const unknown = [...problems, ...hints];
      output.print({
        data: { event: null, timeline: [], verdict: null, unknown },
        table: `No trace of "${text}" found${problems.length > 0 ? '; some sources could not be queried' : ''}.`,
        names: [],
      });
      for (const why of unknown) output.note(why);
      output.note(
        'Events are kept up to the limits of the bus, decisions for seven days, runs for the retention of Temporal.',
      );
      return problems.length > 0 ? EXIT_CODES.unreachable : EXIT_CODES.problem;
    }
  }
}

function printCandidates(candidates: readonly JudgedCandidate[], text: string, output: Output): void {
  const shown = candidates.slice(-SHOWN_CANDIDATES);
  output.print({
    data: {
      candidates: candidates.map(({ key, source, subject, id, verdict }) => ({
        key,
        shortId: shortEventId(key),
        id,
        source,
        subject,
        ...(verdict && { verdict }),
      })),
    },
    table: [
      {
        columns: ['event', 'short id', 'last seen', 'verdict'],
        rows: shown.map((candidate) => [
          ...[candidate.key, shortEventId(candidate.key), lastSeen(candidate)],
          candidate.verdict === undefined
            ? '-'
            : { text: candidate.verdict.state.toUpperCase(), tone: toneOf(candidate.verdict.state) },
        ]),
      },
      ...describeVerdicts(shown, output),
    ],
    names: candidates.map(({ key }) => key),
  });
  const most = shown.length < candidates.length ? ` ${shown.length} of them are shown.` : '';
  output.note(`${candidates.length} events match "${text}".${most} Give the key or the short id of one of them.`);
}

/** The verdict on each candidate, with one sentence per sensor. */
function describeVerdicts(candidates: readonly JudgedCandidate[], { width }: Output): string[] {
  const said = candidates.flatMap(({ key, verdict }) =>
    verdict === undefined ? [] : [wrap(`${shortEventId(key)}  ${verdict.summary}`, width, 2)],
  );
  return said.length === 0 ? [] : [said.join('\n')];
}

function lastSeen({ decisions, stored }: Candidate): string {
  const published = stored.at(-1)?.publishedAt;
  return decisions.at(-1)?.at ?? (published === undefined ? '' : new Date(published).toISOString());
}
