/** One JSON line per event of interest, on stdout; Temporal's SDK writes through the same logger. */
import { DefaultLogger, type Logger as TemporalLogger, type LogEntry, type LogLevel } from '@temporalio/worker';
import pino, { type Logger } from 'pino';
import { createLog } from '../src/plugin/create-log';
import type { WorkerSettings } from './settings';

const LEVELS: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

const TEMPORAL_LEVELS = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const;

export function createLogger(level: WorkerSettings['logLevel']): Logger {
  return createLog({ level, base: {}, timestamp: pino.stdTimeFunctions.isoTime });
}

/** Temporal's lifecycle messages do not help the reader of a healthy worker: its INFO becomes our debug. */
export function temporalLogger(log: Logger): TemporalLogger {
  const level = log.levelVal <= 30 ? 'INFO' : (TEMPORAL_LEVELS[log.level as keyof typeof TEMPORAL_LEVELS] ?? 'WARN');
  return new DefaultLogger(level, (entry: LogEntry) => {
    const { error, ...others } = entry.meta ?? {};
    const fields = withoutTasks(others);
    const ours = entry.meta?.['sdkComponent'] === 'activity' || entry.meta?.['sdkComponent'] === 'workflow';
    const name = entry.level === 'INFO' && !ours ? 'debug' : LEVELS[entry.level];
    const detail = error instanceof Error ? { error: withoutTokens(error.message) } : {};
    log[name]({ ...(ours ? pickIds(fields) : fields), ...detail }, withoutTokens(entry.message));
  });
}

/**
 * The token of an activity suffices to complete it. The SDK logs an unreadable task whole, as JSON and as bytes: with
 * its token, and with payloads that are not encrypted.
 */
function withoutTasks(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !/task_?token|^task(Encoded)?$/i.test(name)));
}

const TASK_TOKEN = /(task_?token\w*["']?\s*[:=(]*\s*)(?:TaskToken\()?["']?[A-Za-z0-9+/=_-]{8,}["']?\)?/gi;

/** Temporal's core puts tokens into its messages. */
function withoutTokens(text: string): string {
  return text.replace(TASK_TOKEN, '$1…');
}

function pickIds(fields: Record<string, unknown>): Record<string, unknown> {
  const { workflowId, activityType, attempt } = fields;
  return { workflowId, activityType, attempt };
}
