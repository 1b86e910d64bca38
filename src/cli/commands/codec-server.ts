/** `sluice codec-server`: lets the Temporal UI and CLI read payloads that payload keys encrypted. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import type { Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error';
import { collect } from '../arguments';
import type { CliIo } from '../io';
import type { RegisterCommand } from '../runtime';
import type { CheckToken, JwtRules } from '../../codec-server/callers';

interface CodecServerCommand {
  host: string;
  port: string;
  origin?: string[];
  tokenFile?: string;
  jwksUrl?: string;
  jwtIssuer?: string;
  jwtAudience?: string;
  requireClaim?: string[];
  temporalNamespace?: string[];
  tlsCert?: string;
  tlsKey?: string;
  behindTlsProxy?: boolean;
}

const EXAMPLES = `
Examples:
  sluice codec-server --origin http://localhost:8233
  sluice codec-server --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key \\
    --origin https://temporal.example.com \\
    --jwks-url https://login.example.com/keys \\
    --jwt-issuer https://login.example.com/ --jwt-audience sluice-codec
  temporal workflow show -w run/argo/water-bodies/stac:items:1-0 \\
    --codec-endpoint http://127.0.0.1:8085 --codec-auth "Bearer $TOKEN"

Callers can read all events. By default the server listens on this machine only.
It accepts web pages of named origins only, and requires a token: one of
--token-file, a JWT, or the token that it prints if neither is configured.`;

export const registerCodecServer: RegisterCommand = (program, cli) => {
  program
    .command('codec-server')
    .summary('decrypt payloads for the Temporal UI')
    .description(
      "Decrypts payloads for the Temporal UI and Temporal's command, with the keys of SLUICE_PAYLOAD_KEYS_FILE.",
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on, 0 for a free one', '8085')
    .option(
      '--origin <origin>',
      'allowed web origin, such as the Temporal UI: https://host[:port]; may be repeated',
      collect,
    )
    .option('--token-file <file>', 'file of accepted tokens, one "name: token" per line')
    .option('--jwks-url <url>', 'accept tokens signed with these keys, such as those that the UI passes')
    .option('--jwt-issuer <issuer>', 'required "iss" of these tokens')
    .option('--jwt-audience <audience>', 'required "aud" of these tokens')
    .option('--require-claim <name=value>', 'another required claim of these tokens; may be repeated', collect)
    .option(
      '--temporal-namespace <name>',
      'namespace to serve (default: TEMPORAL_NAMESPACE, default); may be repeated',
      collect,
    )
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--behind-tls-proxy', 'a proxy in front of this server terminates TLS')
    .addHelpText('after', EXAMPLES)
    .action(async (options: CodecServerCommand, command: Command) => {
      const output = cli.output(command);
      const { server, token } = await start(options, cli.io);
      const { url } = server;
      output.print({ data: { url }, table: `Codec server at ${url}`, names: [url] });
      if (token !== undefined) output.note(`Token, valid until this server stops: ${token}`);
      if ((options.origin ?? []).length === 0)
        output.note('No web origin is allowed: allow the Temporal UI with --origin.');
      try {
        if (!cli.io.signal.aborted) await once(cli.io.signal, 'abort');
      } finally {
        await server.close();
      }
    });
};

async function start(options: CodecServerCommand, io: CliIo) {
  // Loaded lazily: the other commands start faster without it.
  const [{ startCodecServer }, { PayloadEncryption }, { default: pino }] = await Promise.all([
    import('../../codec-server/codec-server.js'),
    import('../../payloads/payload-encryption.js'),
    import('pino'),
  ]);
  const log = pino({ name: 'sluice-codec-server' }, io.stderr);
  const encryption = PayloadEncryption.read(io.env, { warn: (message) => log.warn(message) });
  if (encryption.keyIds.length === 0) {
    throw usage(
      'no payload keys are configured',
      'Set SLUICE_PAYLOAD_KEYS_FILE or SLUICE_PAYLOAD_KEYS as for the workers',
    );
  }
  const tls = await readTls(options);
  const isLocal = isLoopback(options.host);
  if (!isLocal && tls === undefined && options.behindTlsProxy !== true) {
    throw usage(
      `--host ${options.host} would send decrypted payloads over the network in clear`,
      'Give --tls-cert and --tls-key, or --behind-tls-proxy if a proxy terminates TLS',
    );
  }
  const { checkToken, token } = await readCallers(options, isLocal);
  const served = options.temporalNamespace ?? [io.env['TEMPORAL_NAMESPACE'] || 'default'];
  const server = await startCodecServer({
    host: options.host,
    port: readPort(options.port),
    ...(tls && { tls }),
    isBehindTls: options.behindTlsProxy === true,
    origins: (options.origin ?? []).map(readOrigin),
    checkToken,
    codecs: new Map(served.map((namespace) => [namespace, encryption.codecFor(namespace)])),
    log,
  });
  return { server, token };
}

/** `token`: generated for this process if no callers are configured. */
async function readCallers(
  options: CodecServerCommand,
  isLocal: boolean,
): Promise<{ readonly checkToken: CheckToken; readonly token?: string }> {
  const { acceptJwts, anyOf, readTokens } = await import('../../codec-server/callers.js');
  const { tokenFile } = options;
  const rules = jwtRules(options);
  if (tokenFile === undefined && rules === undefined) {
    if (!isLocal)
      throw usage('no accepted callers are configured', 'Give --token-file, or --jwks-url with issuer and audience');
    const token = randomBytes(32).toString('base64url');
    return { token, checkToken: readTokens(`local: ${token}`, 'this process') };
  }
  const checks: CheckToken[] = [];
  if (tokenFile !== undefined) checks.push(readTokens(await readText(tokenFile, '--token-file'), tokenFile));
  if (rules !== undefined) checks.push(await acceptJwts(rules));
  return { checkToken: anyOf(checks) };
}

function jwtRules({ jwksUrl, jwtIssuer, jwtAudience, requireClaim = [] }: CodecServerCommand): JwtRules | undefined {
  if (jwksUrl === undefined && jwtIssuer === undefined && jwtAudience === undefined && requireClaim.length === 0) {
    return undefined;
  }
  if (jwksUrl === undefined || jwtIssuer === undefined || jwtAudience === undefined) {
    throw usage(
      '--jwks-url, --jwt-issuer and --jwt-audience are required together',
      'Give all three: without the audience, tokens for other programs would be accepted',
    );
  }
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined;
  if (!(url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname)))) {
    throw usage(
      '--jwks-url is not an https address',
      'Use https: an attacker who replaces these keys in transit could sign tokens',
    );
  }
  const claims = requireClaim.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw usage(`--require-claim ${text} is not NAME=VALUE`, 'For instance: --require-claim groups=sluice');
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return { jwksUrl, issuer: jwtIssuer, audience: jwtAudience, claims };
}

async function readTls({ tlsCert, tlsKey }: CodecServerCommand) {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw usage('--tls-cert and --tls-key belong together', 'Give both');
  const [cert, key] = await Promise.all([readText(tlsCert, '--tls-cert'), readText(tlsKey, '--tls-key')]);
  return { cert, key };
}

async function readText(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw usage(`${option} ${file} cannot be read`, 'Check the path and its permissions', cause);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw usage(`--port ${text} is not a port`, 'Expected 0 to 65535');
}

/** Parses an origin as browsers send it: no path, no trailing slash. */
function readOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (/^https?:/.test(origin) && (origin === text || `${origin}/` === text)) return origin;
  throw usage(
    `--origin ${text} is not an origin`,
    'Expected https://host or https://host:port; patterns are not supported',
  );
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return host === 'localhost' || (family !== 0 && LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6'));
}

function usage(message: string, fix: string, cause?: unknown): SluiceError {
  return new SluiceError('USAGE', { message, fix, cause });
}
