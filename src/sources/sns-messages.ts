/** Messages of Amazon SNS, and whether Amazon signed them. */
import { X509Certificate, createVerify } from 'node:crypto';
import { createAgent, exchangeHttp } from '../clients/http/http-exchange';
import { textMember } from './hook-events';

export type SnsMessageType = 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';

const SIGNED_MEMBERS: Readonly<Record<SnsMessageType, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
};

/** Only names of regions: `sns.s3-us-west-2.amazonaws.com` is whoever owns the bucket `sns` there. */
const AMAZON_HOST = /^sns\.[a-z]{2}(?:-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?$/;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[0-9a-f]{1,64}\.pem$/;
/** Amazon uses one certificate at a time in each region. */
const MAX_CERTIFICATES = 8;
const FETCH_TIMEOUT_MS = 5_000;

/** Returns the body of a GET request. Throws if the response is not 200. */
export type FetchText = (url: string) => Promise<string>;

/** Neither follows redirects nor connects to blocked addresses. */
export const fetchFromAmazon: FetchText = async (address) => {
  const url = new URL(address);
  const agent = createAgent(url.protocol, undefined);
  const signal = new AbortController().signal;
  try {
    const exchange = { url, method: 'GET', headers: {}, timeoutMs: FETCH_TIMEOUT_MS, agent, signal };
    const { status, text } = await exchangeHttp(exchange);
    if (status === 200) return text;
    throw new Error(`${url.host} responded ${status}`);
  } finally {
    agent.destroy();
  }
};

export function readMessageType(message: unknown): SnsMessageType | undefined {
  const type = textMember(message, 'Type');
  return type !== undefined && isMessageType(type) ? type : undefined;
}

function isMessageType(type: string): type is SnsMessageType {
  return Object.hasOwn(SIGNED_MEMBERS, type);
}

/** True for `https` to the SNS service of a region: nothing that a sender may name freely. */
export function isAmazonUrl(text: string | undefined): text is string {
  if (text === undefined || !URL.canParse(text)) return false;
  const { protocol, hostname, port, username } = new URL(text);
  return protocol === 'https:' && AMAZON_HOST.test(hostname) && port === '' && username === '';
}

/** A query would make one certificate many: each is fetched, and takes the place of another. */
function isCertificateUrl({ pathname, search, hash }: URL): boolean {
  return CERTIFICATE_PATH.test(pathname) && search === '' && hash === '';
}

export class SnsSignatures {
  /** Oldest first. */
  private readonly certificates = new Map<string, Promise<X509Certificate>>();

  constructor(private readonly fetchText: FetchText) {}

  /** Returns why the signature is not valid; undefined if it is. Throws if the certificate cannot be fetched now. */
  async problemOf(message: unknown, type: SnsMessageType): Promise<string | undefined> {
    const url = textMember(message, 'SigningCertURL');
    if (!isAmazonUrl(url) || !isCertificateUrl(new URL(url))) {
      return 'SigningCertURL is no certificate of Amazon SNS';
    }
    const algorithm = textMember(message, 'SignatureVersion') === '2' ? 'RSA-SHA256' : 'RSA-SHA1';
    const { publicKey } = await this.certificate(url);
    const signature = Buffer.from(textMember(message, 'Signature') ?? '', 'base64');
    const isValid = createVerify(algorithm).update(signedText(message, type)).verify(publicKey, signature);
    return isValid ? undefined : 'the signature does not match';
  }

  private async certificate(url: string): Promise<X509Certificate> {
    const known = this.certificates.get(url);
    if (known) return await known;
    const fetching = this.fetchText(url).then((pem) => new X509Certificate(pem));
    this.certificates.set(url, fetching);
    const [oldest] = this.certificates.keys();
    if (this.certificates.size > MAX_CERTIFICATES && oldest !== undefined) this.certificates.delete(oldest);
    try {
      return await fetching;
    } catch (error) {
      this.certificates.delete(url);
      throw error;
    }
  }
}

function signedText(message: unknown, type: SnsMessageType): string {
  return SIGNED_MEMBERS[type]
    .flatMap((name) => {
      const value = textMember(message, name);
      return value === undefined ? [] : [`${name}\n${value}\n`];
    })
    .join('');
}
