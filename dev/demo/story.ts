/** The demo's output: one line per step of every scene as it happens, and a table at the end. */
import { stdout } from 'node:process';
import type { Story } from '../../src/control/explain/story';
import type { Journey } from './journeys';

const useColour = stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code: number, text: string): string => (useColour ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string): string => paint(1, text);
const dim = (text: string): string => paint(2, text);
const green = (text: string): string => paint(32, text);
const red = (text: string): string => paint(31, text);

export class DemoStory {
  private readonly begun = performance.now();
  private readonly told = new Set<string>();

  chapter(title: string): void {
    stdout.write(`\n${bold(title)}\n`);
  }

  done(what: string, detail: string): void {
    stdout.write(`  ${green('✓')} ${what.padEnd(36)} ${detail}\n`);
  }

  /** Prints every step once. */
  tell(journeys: readonly Journey[]): void {
    for (const journey of journeys) {
      const { scene, bus, run, workflows, parameter, outcome } = journey;
      this.step(scene.id, 'Redis', scene.redis);
      if (bus) this.step(scene.id, 'JetStream', `#${bus.sequence} ${bus.subject}`);
      if (run) this.step(scene.id, 'sensor run', run.url);
      if (workflows[0] !== undefined) this.step(scene.id, 'Workflow', `${workflows[0]}  items=${parameter ?? ''}`);
      if (outcome) this.step(scene.id, 'outcome', outcome === 'Succeeded' ? green(outcome) : red(outcome));
    }
  }

  /** Returns true if every scene has exactly one Workflow and that has succeeded. */
  end(journeys: readonly Journey[]): boolean {
    const rows = journeys.map(({ scene, workflows, state, outcome }) => [
      scene.id,
      scene.redis.split(',')[0] ?? '',
      workflows.length === 1 ? (workflows[0] ?? '') : `${workflows.length} Workflows!`,
      outcome ?? state ?? 'not seen',
    ]);
    const header = ['scene', 'published to', 'Workflow', 'outcome'];
    const widths = header.map((title, column) =>
      Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
    );
    const line = (row: readonly string[]): string =>
      row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    stdout.write(`\n${bold(line(header))}\n${dim(widths.map((width) => '─'.repeat(width)).join('  '))}\n`);
    for (const row of rows) stdout.write(`${line(row)}\n`);
    const good = journeys.filter(({ workflows, outcome }) => workflows.length === 1 && outcome === 'Succeeded');
    const verdict = `${good.length} of ${journeys.length} scenes have exactly one Workflow, and it succeeded.`;
    stdout.write(`\n${good.length === journeys.length ? green(verdict) : red(verdict)}\n`);
    return good.length === journeys.length;
  }

  /** Returns true if the verdict is the expected one. */
  explain({ timeline, verdict }: Story, expected: Story['verdict']['state']): boolean {
    for (const { stage, what, text } of timeline) this.done(`${stage} ${what}`, text);
    const isAsExpected = verdict.state === expected;
    stdout.write(`\n${isAsExpected ? green(verdict.summary) : red(verdict.summary)}\n`);
    return isAsExpected;
  }

  lookAround(temporalUiUrl: string, environment: Readonly<Record<string, string>>): void {
    stdout.write(`\n${bold('Staying up.')} Temporal UI: ${temporalUiUrl}\nFor another shell:\n`);
    for (const [name, value] of Object.entries(environment)) stdout.write(`  export ${name}='${value}'\n`);
    stdout.write('Ctrl-C ends everything.\n');
  }

  private step(sceneId: string, place: string, detail: string): void {
    const key = `${sceneId} ${place}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    const seconds = ((performance.now() - this.begun) / 1_000).toFixed(1).padStart(5);
    stdout.write(`  ${dim(`${seconds} s`)}  ${sceneId.padEnd(26)} ${place.padEnd(11)} ${detail}\n`);
  }
}
