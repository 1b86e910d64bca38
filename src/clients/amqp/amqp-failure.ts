/** What failures of an AMQP broker mean for a reader. */
import { errorNumber, errorText } from '../../errors/foreign-errors';
import { AddressBlocked } from '../blocked-addresses';
import type { FailureVerdict } from '../reconnection';
import { AmqpUrlUnusable } from './amqp-settings';

const ACCESS_REFUSED = 403;
/** The queue, or the right to consume it, belongs to another connection, which may end. */
const IN_USE = /in exclusive use|exclusive access|RESOURCE_LOCKED/;
const REFUSED_LOGIN = /ACCESS[-_]REFUSED/;
/** Another virtual host, exchange type or protocol than this broker has. */
const REFUSED_FOR_GOOD = /NOT[-_]ALLOWED|COMMAND[-_]INVALID|NOT[-_]IMPLEMENTED|SASL mechanism/;
/** Answers to a declaration that does not fit: 404 not found, 406 precondition failed. */
const UNFIT = new Set([404, 406]);

export type AmqpPhase = 'connecting' | 'declaring' | 'consuming';

export function amqpVerdict(error: unknown, phase: AmqpPhase): FailureVerdict {
  if (error instanceof AmqpUrlUnusable || error instanceof AddressBlocked) return 'permanent';
  const text = errorText(error);
  if (IN_USE.test(text)) return 'transient';
  if (REFUSED_FOR_GOOD.test(text)) return 'permanent';
  const code = errorNumber(error, 'code');
  if (phase === 'connecting') return REFUSED_LOGIN.test(text) ? 'credentials' : 'transient';
  if (code === ACCESS_REFUSED) return 'permanent';
  return phase === 'declaring' && code !== undefined && UNFIT.has(code) ? 'permanent' : 'transient';
}
