import { createHash, createHmac } from 'node:crypto';
import { FlyballError } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { noAnswer, Post, type PostBounds } from '../../lib/post.js';
import type { Secret } from '../../lib/secret.js';
import type { WebhookConfig } from './config.js';
import type { Message } from './message.js';
import type { Fate } from './state.js';
import type { Transport } from './transport.js';

const prefix = 'whsec_';
/** Standard Webhooks asks for 24 to 64 bytes. */
const secretBytesLeast = 24;

/** Tells a program, signed as Standard Webhooks says: HMAC-SHA256 over id, time and body. */
export class Webhook implements Transport {
  readonly updates = false;
  readonly place: string;
  readonly #post: Post;

  /** Throws `config_invalid` for a URL that nothing is sent to, and for a secret that is too short. */
  constructor(
    name: string,
    { url, secret_from_env: variable }: Pick<WebhookConfig, 'url' | 'secret_from_env'>,
    private readonly secret: Secret,
    private readonly clock: Clock,
    bounds: PostBounds,
  ) {
    if (keyOf(secret).length < secretBytesLeast) throw new FlyballError('config_invalid', `expected a secret of at least ${secretBytesLeast} bytes, as text or as \`${prefix}\` and base64, in the environment variable \`${variable}\`, which \`channels.${name}.secret_from_env\` of the configuration names`);
    this.#post = new Post(url, bounds);
    this.place = createHash('sha256').update(url).digest('hex');
  }

  targetsOf(): readonly string[] {
    return [''];
  }

  async deliver(message: Message): Promise<Fate> {
    const body = JSON.stringify(toPayload(message));
    const seconds = String(Math.floor(this.clock.now() / 1_000));
    const { status } = await this.#post.send(body, { 'content-type': 'application/json', 'webhook-id': message.key, 'webhook-timestamp': seconds, 'webhook-signature': signatureOf(this.secret, message.key, seconds, body) });
    if (status === 410) return { kind: 'gone' };
    if (status < 200 || status > 299) throw noAnswer(`expected a status from 200 to 299, got ${status}`);
    return { kind: 'delivered' };
  }

  close(): Promise<void> {
    return this.#post.close();
  }
}

const keyOf = (secret: Secret): Buffer => (secret.reveal().startsWith(prefix) ? Buffer.from(secret.reveal().slice(prefix.length), 'base64') : Buffer.from(secret.reveal()));

const signatureOf = (secret: Secret, id: string, seconds: string, body: string): string => `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.${body}`).digest('base64')}`;

function toPayload({ event, entry, atMs, said, who, forWhom, action, reasons, groups, by, untilMs, hold, batch, link }: Message) {
  const about = { entry, hold, said, identity: who, on_behalf_of: forWhom, action, reasons, groups, by, until: untilMs === undefined ? undefined : new Date(untilMs).toISOString(), count: batch?.count, link };
  return { type: `flyball.${event}`, timestamp: new Date(atMs).toISOString(), data: about };
}
