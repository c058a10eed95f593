import { expect, vi } from 'vitest';
import type { HeaderOf } from '../../packages/server/src/approval/channels/slack-callback.js';
import { ChannelNode, ChannelWorld } from './channel-house.js';
import { SlackDouble, type SlackMessage } from './channel-receivers.js';
import { refusal } from './identity-kit.js';

export const secrets = { TOKEN: 'xoxb-canary-token', SIGNING: 'canary-signing-secret', OTHER: 'another-signing-secret' };
export const answers = { signing_secret_from_env: 'SIGNING', team: 'T1', app: 'A1', people: { UANN: 'ann', UBEN: 'ben', UCYD: 'cyd', UROB: 'robot' } };

type Configured = Readonly<Record<string, unknown>>;

/** A callback as it comes in. */
export interface Press {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export const until = <T>(look: () => T, timeout = 5_000) => vi.waitFor(look, { timeout, interval: 5 });

/** The text of a message, as people read it. */
export const plain = ({ blocks }: SlackMessage): string => blocks.map(({ text, elements = [] }) => [text?.text ?? '', ...elements.flatMap((element) => (element.elements ?? []).map((inner) => inner.text))].join('\n')).join('\n');

/** A node that asks people in Slack. */
export class SlackHouse {
  readonly world = new ChannelWorld();
  #node: ChannelNode | undefined;

  private constructor(readonly slack: SlackDouble) {}

  static async start(): Promise<SlackHouse> {
    return new SlackHouse(await new SlackDouble(secrets.TOKEN, secrets.SIGNING, ['C1', 'C2', 'C3']).start());
  }

  config = (over: Configured = {}): Configured => ({ kind: 'slack', api: this.slack.api, token_from_env: 'TOKEN', to: { finance: 'C1', managers: 'C2', '*': 'C3' }, show: 'preview', answers, ...over });

  /** Starts the node with a channel `chat`, and with more of them. */
  async open(over: Configured = {}, more: Configured = {}): Promise<void> {
    this.#node = await new ChannelNode(this.world, { chat: this.config(over), ...more }, secrets).start();
    await until(() => expect(this.world.tables.meta.has('channel:chat')).toBe(true));
  }

  get node(): ChannelNode {
    if (!this.#node) throw new Error('expected `open` before');
    return this.#node;
  }

  /** A question, and the message about it, which the record knows. */
  async posted(ask: Parameters<ChannelNode['ask']>[0] = {}): Promise<{ readonly hold: string; readonly message: SlackMessage }> {
    const before = this.slack.messages.length;
    const { id: hold } = await this.node.ask(ask);
    await until(() => expect(this.world.told().some(({ body }) => body['hold'] === hold)).toBe(true));
    const message = this.slack.messages[before];
    if (!message) throw new Error('nothing was posted');
    return { hold, message };
  }

  /** Takes a callback; `accepted`, or how it was refused. */
  take({ body, headers }: Press, channel = 'chat'): Promise<string> {
    const headerOf: HeaderOf = (name) => headers[name];
    return refusal(this.node.notifier.takeSlack(channel, headerOf, body));
  }

  /** The value of the button with which one agrees; empty where there is none. */
  agreeTo(message: SlackMessage): string {
    return this.slack.valueOf(message, 'flyball_agree') ?? '';
  }

  /** Presses that button, as ann unless it is said otherwise. */
  agree(message: SlackMessage, over: Configured = {}): Press {
    return this.slack.press(message, 'flyball_agree', this.agreeTo(message), over);
  }

  async stateOf(hold: string): Promise<string> {
    return (await this.node.questions.status(hold)).state;
  }

  answersIn(kind = 'approval'): number {
    return [...this.world.tables.entries.values()].filter(({ entry }) => entry.kind === kind).length;
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await this.slack.server?.close();
  }
}
