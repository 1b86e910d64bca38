/** The story of an event for display: first its verdict and the advice, then its timeline. */
import { printable, type Paint, type Tone } from './style';
import { wrap } from './wrap';
import type { SensorVerdict, Story, TimelineEntry, VerdictState } from '../../control/explain/story';

const BAD: readonly string[] = ['parked', 'failed', 'error', 'rejected', 'expired'] satisfies readonly VerdictState[];
const GOOD: readonly string[] = ['succeeded', 'fired'] satisfies readonly VerdictState[];

export function toneOf(word: string): Tone {
  if (BAD.includes(word)) return 'bad';
  return GOOD.includes(word) ? 'good' : 'quiet';
}

/** Returns parts that are printed below each other. `width`: of the terminal; absent: lines are not broken. */
export function describeStory({ event, timeline, verdict, unknown }: Story, paint: Paint, width?: number): string[] {
  const { key, shortId, source, subject, time } = event;
  const received = time === undefined ? '' : `, of ${time}`;
  return [
    `${line(key)}\n${line(`event source ${source}, event ${subject}${received}; short id ${shortId}`)}`,
    describeVerdict(verdict, paint, width),
    ...(timeline.length > 0 ? [describeTimeline(timeline, paint, width)] : []),
    ...(unknown.length > 0 ? [unknown.map((text) => wrap(line(text), width, 2)).join('\n')] : []),
  ];
}

function describeVerdict(verdict: Story['verdict'], paint: Paint, width: number | undefined): string {
  const { state, summary, next, sensors } = verdict;
  if (sensors.length === 0)
    return [judgement(state, summary, paint, width), ...next.map((text) => advice(text, width))].join('\n');
  return sensors
    .flatMap((sensor: SensorVerdict) => [
      judgement(sensor.state, `Sensor ${sensor.sensor} ${sensor.summary}.`, paint, width),
      ...(sensor.next === undefined ? [] : [advice(sensor.next, width)]),
    ])
    .join('\n');
}

function judgement(state: VerdictState, text: string, paint: Paint, width: number | undefined): string {
  const word = state.toUpperCase();
  return `${paint(toneOf(state), word)}${wrap(`${word}  ${line(text)}`, width, 2).slice(word.length)}`;
}

function advice(text: string, width: number | undefined): string {
  return `  ${wrap(`What to do: ${line(text)}`, width && width - 2, 4)}`;
}

/** Omits the date if all times are of one day. */
function describeTimeline(timeline: readonly TimelineEntry[], paint: Paint, width: number | undefined): string {
  const days = new Set(timeline.map(({ at }) => new Date(at).toISOString().slice(0, 10)));
  const [day = ''] = days;
  const timeText = (at: string): string => {
    const iso = new Date(at).toISOString();
    return days.size === 1 ? iso.slice(11, 23) : `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
  };
  const title = days.size === 1 ? `${day}, UTC` : 'UTC';
  const lines = timeline.map(({ at, what, text }) => {
    const time = timeText(at);
    const sentence = wrap(`${time}  ${what} ${line(text)}`, width, time.length + 2);
    return `${time}  ${paint(toneOf(what), what)}${sentence.slice(time.length + 2 + what.length)}`;
  });
  return [paint('quiet', title), ...lines].join('\n');
}

/** Returns the text of events and messages as one line; control characters must not reach the terminal. */
function line(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' '));
}
