import { FlyballError } from '@flyball/protocol';
import { AwsClient } from 'aws4fetch';
import type { FileStore } from '../ledger/log/log-store.js';

export interface S3Settings {
  readonly bucket: string;
  /** Before every key; ends with a slash unless it is empty. */
  readonly prefix: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const requestMs = 60_000;
const retries = 5;

/** Files in a bucket, by the HTTP API that S3 and its likes speak (path-style addresses, signature version 4). */
export class S3Files implements FileStore {
  readonly #client: AwsClient;

  constructor(private readonly settings: S3Settings) {
    const { accessKeyId, secretAccessKey, sessionToken, region } = settings;
    this.#client = new AwsClient({ accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }), region, service: 's3', retries });
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const response = await this.#request(path, { method: 'GET' });
    if (response.status === 404) return undefined;
    if (!response.ok) throw this.#refused(path, response);
    return new Uint8Array(await response.arrayBuffer());
  }

  async has(path: string): Promise<boolean> {
    const response = await this.#request(path, { method: 'HEAD' });
    if (response.status === 404) return false;
    if (!response.ok) throw this.#refused(path, response);
    return true;
  }

  async put(path: string, bytes: Uint8Array, contentType: string): Promise<void> {
    const response = await this.#request(path, { method: 'PUT', body: new Uint8Array(bytes), headers: { 'content-type': contentType } });
    if (!response.ok) throw this.#refused(path, response);
  }

  async #request(path: string, init: RequestInit): Promise<Response> {
    const { endpoint, bucket, prefix } = this.settings;
    const key = `${prefix}${path}`.split('/').map(encodeURIComponent).join('/');
    try {
      return await this.#client.fetch(`${endpoint}/${bucket}/${key}`, { ...init, redirect: 'error', signal: AbortSignal.timeout(requestMs) });
    } catch (cause) {
      throw new FlyballError('store_unavailable', `expected an object store at \`${endpoint}\`; what was written before stays, export again to go on`, { cause });
    }
  }

  #refused(path: string, { status }: Response): FlyballError {
    return new FlyballError('store_unavailable', `the object store answered \`${path}\` with status ${status}; what was written before stays, export again to go on`);
  }
}

/** Settings from `s3://bucket/prefix` and the environment's usual names. Throws `usage` when something is missing. */
export function s3Settings(address: string, environment: Readonly<Record<string, string | undefined>>): S3Settings {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(address);
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  if (match?.[1] === undefined) throw new FlyballError('usage', 'expected `s3://BUCKET` or `s3://BUCKET/PREFIX`');
  if (!accessKeyId || !secretAccessKey) throw new FlyballError('usage', 'expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, and AWS_REGION and AWS_ENDPOINT_URL where they are not the default');
  const region = environment['AWS_REGION'] ?? 'us-east-1';
  const endpoint = (environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'] ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '');
  const prefix = (match[2] ?? '').replace(/\/*$/, '');
  return { bucket: match[1], prefix: prefix === '' ? '' : `${prefix}/`, endpoint, region, accessKeyId, secretAccessKey, sessionToken: environment['AWS_SESSION_TOKEN'] };
}
