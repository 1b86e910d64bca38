import { PassThrough } from 'node:stream';
import { canAnswer } from '../../src/cli/io';
import { askYes } from '../../src/cli/ask-yes';

describe('the confirmation before firing', () => {
  async function ask(answer: (stdin: PassThrough, interrupt: () => void) => void) {
    const [stdin, stderr, interruption] = [new PassThrough(), new PassThrough(), new AbortController()];
    const asked = askYes(
      { stdin, stdout: new PassThrough(), stderr, env: {}, signal: interruption.signal },
      'Fire this?',
    );
    answer(stdin, () => interruption.abort());
    return { isYes: await asked, question: String(stderr.read()) };
  }

  it.each([
    ['y', true],
    ['yes', true],
    [' YES ', true],
    ['n', false],
    ['no', false],
    ['', false],
    ['yesterday', false],
  ])('reads "%s" as %s', async (text, isYes) => {
    expect(await ask((stdin) => stdin.write(`${text}\n`))).toEqual({
      isYes,
      question: expect.stringContaining('Fire this? [y/N]') as string,
    });
  });

  it('reads the end of the input as no', async () => {
    expect(await ask((stdin) => stdin.end())).toMatchObject({ isYes: false });
  });

  it('reads an interruption as no', async () => {
    expect(await ask((_, interrupt) => interrupt())).toMatchObject({ isYes: false });
  });

  it.each([
    [true, true, true],
    [false, true, false],
    [true, false, false],
  ])('is asked only at a terminal: input %s, output %s', (input, output, isPut) => {
    const stdin = Object.assign(new PassThrough(), { isTTY: input });
    const stderr = Object.assign(new PassThrough(), { isTTY: output });
    const { signal } = new AbortController();
    expect(canAnswer({ stdin, stdout: new PassThrough(), stderr, env: {}, signal })).toBe(isPut);
  });
});
