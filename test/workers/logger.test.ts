import { Writable } from 'node:stream';
import pino from 'pino';
import { createLog, escapeBidirectional } from '../../src/plugin/create-log';
import { temporalLogger } from '../../workers/logger';

const TOKEN = 'CiQwMTk5YjQ1Ny1hYmNkLTQ1NjctODlhYi0xMjM0NTY3ODkwYWI=';

/** What the SDK's logger writes, as one text. */
function written(log: (logger: ReturnType<typeof temporalLogger>) => void): string {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  log(temporalLogger(pino({ level: 'trace' }, sink)));
  return lines.join('');
}

describe('the log of a worker', () => {
  it('has no task token, which would allow any client of Temporal to complete the activity', () => {
    const text = written((logger) => {
      logger.warn('Activity failed', {
        sdkComponent: 'activity',
        taskToken: TOKEN,
        workflowId: 'w',
        activityType: 'a',
      });
      logger.error('cannot complete', { sdkComponent: 'worker', taskToken: TOKEN, task_token: TOKEN });
      logger.error('Error while processing ActivityTask.start', {
        sdkComponent: 'worker',
        task: JSON.stringify({ taskToken: TOKEN, start: { input: [{ data: TOKEN }] } }),
        taskEncoded: Buffer.from(TOKEN).toString('base64'),
      });
      logger.warn(`Task not found when completing. task_token="${TOKEN}"`, { sdkComponent: 'core' });
      logger.warn(`Task not found: TaskToken(${TOKEN})`, { sdkComponent: 'core' });
      logger.error('failed', { sdkComponent: 'worker', error: new Error(`no task for taskToken: ${TOKEN}`) });
    });
    expect(text.match(/"msg"/g)).toHaveLength(6);
    expect(text).not.toContain(TOKEN.slice(0, 16));
    expect(text).not.toContain(Buffer.from(TOKEN).toString('base64').slice(0, 16));
  });

  it('escapes characters that change the direction of text', () => {
    const line = JSON.stringify({ msg: 'id \u202egnp.exe\u2066 \u200f', ok: 'العربية' });
    const escaped = escapeBidirectional(line);
    expect(escaped).toContain('\\u202egnp.exe\\u2066 \\u200f');
    expect(JSON.parse(escaped)).toEqual(JSON.parse(line));
    expect(createLog({ level: 'silent' }).level).toBe('silent');
  });
});
