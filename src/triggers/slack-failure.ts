/** The meaning of Slack's `ok: false` responses for a fire. */
import { SluiceError } from '../errors/sluice-error';

/** Slack's own failures and rate limits: the same message can succeed later. */
const PASSING_ERRORS = new Set([
  'accesslimited',
  'fatal_error',
  'internal_error',
  'message_limit_exceeded',
  'rate_limited',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
]);

const TOKEN_FIX =
  'Put a valid bot token (xoxb-…) with the scope chat:write into the Secret that slack.slackToken names';
const CHANNEL_FIX = 'Check slack.channel, and invite the app to it (/invite @app)';
const FIXES: Readonly<Record<string, string>> = {
  account_inactive: TOKEN_FIX,
  channel_not_found: CHANNEL_FIX,
  invalid_auth: TOKEN_FIX,
  invalid_blocks: 'Correct slack.blocks; Slack’s Block Kit Builder shows what is accepted',
  is_archived: 'Unarchive the channel, or name another in slack.channel',
  missing_scope: TOKEN_FIX,
  msg_too_long: 'Shorten slack.message to 40,000 characters',
  not_authed: TOKEN_FIX,
  not_in_channel: CHANNEL_FIX,
  token_expired: TOKEN_FIX,
  token_revoked: TOKEN_FIX,
};

/** Returns TRIGGER_REFUSED with Slack's error code in the context. Other text of the server is left out. */
export function createSlackRefusal(channel: string, error: string, retryAfterMs: number | undefined): SluiceError {
  const code = /^[a-z_]{1,64}$/.test(error) ? error : 'an error without a code';
  return new SluiceError('TRIGGER_REFUSED', {
    message: `Slack refused the message to ${channel}: ${code}`,
    fix: FIXES[code],
    retryable: PASSING_ERRORS.has(code),
    retryAfterMs,
    context: { slackError: code },
  });
}
