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
  sluice codec-server --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key --origin https://temporal.example.com \\
    --jwks-url https://login.example.com/keys --jwt-issuer https://login.example.com/ --jwt-audience sluice-codec
  temporal workflow show -w run/argo/water-bodies/stac:items:1-0 \\
    --codec-endpoint http://127.0.0.1:8085 --codec-auth "Bearer $TOKEN"

Whoever may use it can read all events. It listens on this machine only, takes web pages of named origins only, and
nobody without a token: one of --token-file, a JWT, or the one that it prints where neither is given.`;

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
      'web page that may call, as the Temporal UI: https://host[:port]; may be repeated',
      collect,
    )
    .option('--token-file <file>', 'who may call: "name: token" a line')
    .option('--jwks-url <url>', 'who may call: tokens signed with these keys, such as those that the UI passes')
    .option('--jwt-issuer <issuer>', 'the "iss" that these tokens must have')
    .option('--jwt-audience <audience>', 'the "aud" that they must have')
    .option('--require-claim <name=value>', 'another claim that they must have; may be repeated', collect)
    .option(
      '--temporal-namespace <name>',
      'namespace to serve (default: TEMPORAL_NAMESPACE, default); may be repeated',
      collect,
    )
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--behind-tls-proxy', 'TLS ends before this server')
    .addHelpText('after', EXAMPLES)
    .action(async (options: CodecServerCommand, command: Command) => {
      const output = cli.output(command);
      const { server, token } = await start(options, cli.io);
      const { url } = server;
      output.print({ data: { url }, table: `Codec server at ${url}`, names: [url] });
      if (token !== undefined) output.note(`Token, until it ends: ${token}`);
      if ((options.origin ?? []).length === 0) output.note('No web page may call: name the Temporal UI with --origin.');
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
    throw usage('there are no payload keys', 'Set SLUICE_PAYLOAD_KEYS_FILE or SLUICE_PAYLOAD_KEYS as for the workers');
  }
  const tls = await readTls(options);
  const isLocal = isLoopback(options.host);
  if (!isLocal && tls === undefined && options.behindTlsProxy !== true) {
    throw usage(
      `--host ${options.host} would send decrypted payloads over the network in clear`,
      'Give --tls-cert and --tls-key, or --behind-tls-proxy where TLS ends before this server',
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
      throw usage('it does not say who may call', 'Give --token-file, or --jwks-url with issuer and audience');
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
      'tokens of an issuer are accepted only with --jwks-url, --jwt-issuer and --jwt-audience',
      'Give all three: without the audience, tokens for any other program would do',
    );
  }
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : undefined;
  if (!(url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname)))) {
    throw usage('--jwks-url is no https address', 'Whoever can change these keys on the way decides who may call');
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
    throw usage(`${option} ${file} cannot be read`, 'Check the path and its rights', cause);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw usage(`--port ${text} is no port`, 'Expected 0 to 65535');
}

/** Parses an origin as browsers send it: no path, no trailing slash. */
function readOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (/^https?:/.test(origin) && (origin === text || `${origin}/` === text)) return origin;
  throw usage(`--origin ${text} is no origin`, 'Expected https://host or https://host:port; a pattern is not possible');
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
