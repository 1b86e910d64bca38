/** `source.s3`: the object from a bucket of S3, MinIO or any compatible server. */
import { sign } from 'aws4';
import { SluiceError } from '../../errors/sluice-error';
import type { KeySelector, SecretReader } from '../../kubernetes/secrets';
import { download } from './download';
import type { ReadResource } from './resource-source';

export interface S3Source {
  /** `minio.argo:9000`, `s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly bucket: { readonly name: string; readonly key?: string };
  readonly region?: string;
  /** Plain HTTP. */
  readonly insecure?: boolean;
  readonly accessKey?: KeySelector;
  readonly secretKey?: KeySelector;
  readonly caCertificate?: KeySelector;
}

const MAX_BYTES = 1_253_376;
const DEFAULT_REGION = 'us-east-1';

export const readS3: ReadResource<S3Source> = async (source, { namespace, secrets, signal }) => {
  const { endpoint, bucket, insecure, caCertificate } = source;
  const origin = `source.s3 ${endpoint}/${bucket.name}/${bucket.key ?? ''}`;
  if (!bucket.key) {
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: bucket.key is missing`,
      retryable: false,
    });
  }
  const scheme = insecure ? 'http' : 'https';
  if (!isEndpoint(endpoint, scheme)) {
    // It may hold a password.
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: 'source.s3.endpoint is not the name of a server',
      fix: 'Write host or host:port, without scheme, user and path',
      retryable: false,
    });
  }
  const credentials = await readCredentials(source, namespace, secrets);
  const path = `/${[bucket.name, ...bucket.key.split('/')].map(encodePart).join('/')}`;
  const headers = credentials
    ? signedHeaders(endpoint, path, source.region ?? regionOf(endpoint), credentials)
    : undefined;
  const url = new URL(`${scheme}://${endpoint}${path}`);
  const ca = caCertificate ? await secrets.secret(namespace, caCertificate) : undefined;
  return { text: await download({ url, origin, headers, tls: { ca }, maxBytes: MAX_BYTES, signal }), origin };
};

function isEndpoint(endpoint: string, scheme: string): boolean {
  return /^[\w.:[\]-]+$/.test(endpoint) && URL.canParse(`${scheme}://${endpoint}`);
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The manifest's credentials, else those in the environment, as for AWS's tools, else none: for public buckets. */
async function readCredentials(
  { accessKey, secretKey }: S3Source,
  namespace: string,
  secrets: SecretReader,
): Promise<Credentials | undefined> {
  if (accessKey && secretKey) {
    const [accessKeyId, secretAccessKey] = await Promise.all([
      secrets.secret(namespace, accessKey),
      secrets.secret(namespace, secretKey),
    ]);
    return { accessKeyId, secretAccessKey };
  }
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  };
}

/** `s3.eu-central-1.amazonaws.com` → `eu-central-1`. */
function regionOf(endpoint: string): string {
  return /^s3[.-]([a-z]{2}-[a-z-]+-\d)\.amazonaws\.com/.exec(endpoint)?.[1] ?? DEFAULT_REGION;
}

function signedHeaders(host: string, path: string, region: string, credentials: Credentials): Record<string, string> {
  const { headers } = sign(
    // S3 requires the hash of the body in a header; a GET has an empty body.
    { service: 's3', region, host, path, method: 'GET', headers: { 'X-Amz-Content-Sha256': EMPTY_SHA256 } },
    credentials,
  );
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Encodes everything but unreserved characters, as S3's signatures require. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
