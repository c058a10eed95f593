import { FlyballError } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { randomHandle } from '../../lib/ids.js';
import type { Log } from '../../lib/log.js';
import type { PostBounds } from '../../lib/post.js';
import { repeat } from '../../lib/repeat.js';
import { requiredSecret } from '../../lib/required-secret.js';
import type { Secret } from '../../lib/secret.js';
import type { ChannelConfig, ChannelsConfig } from './config.js';
import { Courier } from './courier.js';
import { floodMs } from './flood.js';
import { Mail } from './mail.js';
import { type Marks, Outbox } from './outbox.js';
import type { Answers, QuestionsNow } from './questions.js';
import type { NoticeRecord } from './record.js';
import { randomShare, retryPace, type RetryPace } from './retry.js';
import { Slack } from './slack.js';
import { type HeaderOf, SlackCallback } from './slack-callback.js';
import type { Transport } from './transport.js';
import { Webhook } from './webhook.js';

/** How fast everything goes. */
export interface Pace {
  readonly everyMs: number;
  readonly leaseMs: number;
  readonly floodMs: number;
  readonly climbMs: number;
  readonly timeoutMs: number;
  readonly retry: RetryPace;
}

export const usualPace: Pace = { everyMs: 500, leaseMs: 15_000, floodMs, climbMs: 1_000, timeoutMs: 10_000, retry: retryPace };
const bytesMax = 64 * 1024;
const connectionsMax = 4;

export interface NotifierParts {
  readonly channels: ChannelsConfig;
  /** Secrets by the names of the environment variables that hold them. */
  readonly secretOf: (variable: string) => Secret | undefined;
  /** Where people reach the administrators' pages; no token is ever in it. */
  readonly address: string;
  readonly record: NoticeRecord;
  readonly marks: Marks;
  readonly questions: QuestionsNow;
  readonly answers: Answers;
  /** Mail addresses of a group's members. */
  readonly emailsOf: (group: string) => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Nobody else can have this store. */
  readonly alone: boolean;
  readonly pace?: Pace;
}

/** Tells people, by every channel of the configuration, and takes their answers where a channel can bring them. */
export class Notifier {
  readonly #couriers: readonly (readonly [name: string, courier: Courier])[];
  readonly #callbacks: ReadonlyMap<string, SlackCallback>;
  readonly #pace: Pace;

  /** Throws `config_invalid` for a channel that cannot work. Nothing runs yet. */
  constructor(private readonly parts: NotifierParts) {
    this.#pace = parts.pace ?? usualPace;
    const holder = randomHandle();
    const channels = Object.entries(parts.channels);
    this.#couriers = channels.map(([name, config]) => [name, this.#courier(name, config, holder)] as const);
    this.#callbacks = new Map(channels.flatMap(([name, config]) => (config.kind === 'slack' && config.answers ? [[name, new SlackCallback(name, config, config.answers, this.#secret(config.answers.signing_secret_from_env, `${name}.answers.signing_secret_from_env`), { ...parts, bounds: this.#bounds() })] as const] : [])));
  }

  /** Runs until it is told to stop. */
  async run(stop: AbortSignal): Promise<void> {
    await Promise.all(this.#couriers.map(async ([name, courier]) => {
      const failed = (error: unknown) => this.parts.log('error', 'what a channel has to be told cannot be read or kept now; it is tried again', { channel: name, reason: error instanceof FlyballError ? error.message : 'unknown' });
      await repeat(() => courier.step(), { everyMs: this.#pace.everyMs, stop, failed });
      await courier.close();
    }));
    await Promise.all([...this.#callbacks.values()].map((callback) => callback.close()));
  }

  /** A request to `/v1/channels/NAME/slack`. Throws `not_found`, `unauthenticated`, `request_malformed`, `request_too_large` or `overloaded`. */
  async takeSlack(name: string, header: HeaderOf, body: Uint8Array): Promise<void> {
    const callback = this.#callbacks.get(name);
    if (!callback) throw new FlyballError('not_found', 'no channel of this name takes answers');
    await callback.take(header, body);
  }

  #courier(name: string, config: ChannelConfig, holder: string): Courier {
    const { marks, clock, record, alone } = this.parts;
    const begin = async () => ({ cursor: (await record.size()) - 1n, laddersMs: clock.now(), waiting: [], floods: new Map() });
    const outbox = new Outbox({ key: `channel:${name}`, holder, leaseMs: this.#pace.leaseMs, alone, begin }, marks, clock);
    return new Courier({ ...this.parts, name, events: config.events, groups: config.groups, outbox, transport: this.#transport(name, config), retry: this.#pace.retry, floodMs: this.#pace.floodMs, climbMs: this.#pace.climbMs, share: randomShare });
  }

  #transport(name: string, config: ChannelConfig): Transport {
    const optional = (variable: string | undefined, member: string) => (variable === undefined ? undefined : this.#secret(variable, `${name}.${member}`));
    switch (config.kind) {
      case 'webhook':
        return new Webhook(name, config, this.#secret(config.secret_from_env, `${name}.secret_from_env`), this.parts.clock, this.#bounds());
      case 'slack':
        return new Slack(config, this.#secret(config.token_from_env, `${name}.token_from_env`), this.parts.questions, this.#bounds());
      case 'mail':
        return new Mail(config, { user: optional(config.user_from_env, 'user_from_env'), password: optional(config.password_from_env, 'password_from_env'), ca: optional(config.ca_from_env, 'ca_from_env') }, this.parts.emailsOf, this.#pace.timeoutMs);
    }
  }

  #bounds(): PostBounds {
    return { bytesMax, timeoutMs: this.#pace.timeoutMs, connectionsMax };
  }

  #secret(variable: string, place: string): Secret {
    return requiredSecret(this.parts.secretOf(variable), variable, `channels.${place}`);
  }
}
