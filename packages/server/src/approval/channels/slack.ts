import { createHash } from 'node:crypto';
import type { ApprovalRule } from '@flyball/protocol';
import { noAnswer, type PostBounds } from '../../lib/post.js';
import type { Secret } from '../../lib/secret.js';
import type { Preview } from '../preview.js';
import type { SlackConfig } from './config.js';
import type { Message } from './message.js';
import type { QuestionsNow, QuestionStanding } from './questions.js';
import { SlackApi } from './slack-api.js';
import { slackMessage, type SlackView } from './slack-blocks.js';
import type { Fate } from './state.js';
import type { Transport } from './transport.js';

/** What one block can show; a longer preview is shown on the page only. */
const previewCharsMost = 2_800;
/** Answers of Slack's to a message that cannot be changed any more: nothing is left to do. */
const unchangeable: ReadonlySet<string> = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);
const everybody = '*';

/** Tells people in Slack, in the channels of their groups, and changes what it told when the question is answered. */
export class Slack implements Transport {
  readonly updates = true;
  readonly place: string;
  readonly #api: SlackApi;

  constructor(
    private readonly config: SlackConfig,
    token: Secret,
    private readonly questions: Pick<QuestionsNow, 'standing' | 'preview'>,
    bounds: PostBounds,
  ) {
    this.#api = new SlackApi(config.api, token, bounds);
    this.place = createHash('sha256').update(config.api).digest('hex');
  }

  targetsOf(groups: readonly string[]): readonly string[] {
    const { to } = this.config;
    const own = groups.flatMap((group) => (Object.hasOwn(to, group) ? [to[group] ?? ''] : []));
    const others = groups.every((group) => Object.hasOwn(to, group)) ? [] : Object.hasOwn(to, everybody) ? [to[everybody] ?? ''] : [];
    const all = groups.length > 0 ? [...own, ...others] : Object.hasOwn(to, everybody) ? [to[everybody] ?? ''] : Object.values(to);
    return [...new Set(all)];
  }

  async deliver(message: Message, target: string, earlier: readonly string[]): Promise<Fate> {
    const view = await this.#view(message);
    const content = slackMessage(message, view);
    const shows = view.preview === undefined ? {} : { preview: view.preview.digest };
    const told = [...new Set(earlier)].filter((ref) => ref.startsWith(`${target}:`));
    if ((message.event === 'answered' || message.event === 'expired') && told.length > 0) {
      for (const ref of told) await this.#update(ref, content);
      return { kind: 'delivered', ref: told.at(-1) ?? '', ...shows };
    }
    const { error, answer } = await this.#api.call('chat.postMessage', { channel: target, ...content });
    if (error !== undefined) throw noAnswer(`Slack did not take the message: \`${error}\``);
    const { ts } = answer;
    if (typeof ts !== 'string' || !/^[0-9]{1,16}\.[0-9]{1,16}$/.test(ts)) throw noAnswer('expected the name of the message from Slack');
    return { kind: 'delivered', ref: `${target}:${ts}`, ...shows };
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  async #update(ref: string, content: ReturnType<typeof slackMessage>): Promise<void> {
    const [channel = '', ts = ''] = ref.split(':');
    const { error } = await this.#api.call('chat.update', { channel, ts, ...content });
    if (error !== undefined && !unchangeable.has(error)) throw noAnswer(`Slack did not change the message: \`${error}\``);
  }

  /** Arguments are shown where the configuration says so, and only while there is somebody who has to see them. */
  async #view({ hold, batch }: Message): Promise<SlackView> {
    const standing = hold === undefined || batch ? undefined : await this.questions.standing(hold);
    if (hold === undefined || standing?.state !== 'pending') return { buttons: undefined };
    const preview = this.config.show === 'preview' ? await this.questions.preview(hold) : undefined;
    const whole = preview && isWhole(preview) ? preview : undefined;
    const why = whyNotHere(standing, preview);
    return { ...(whole && { preview: whole }), buttons: this.config.answers && { ...(why !== undefined && { refusalOnly: why }) } };
  }
}

const isWhole = ({ text, shortened }: Preview): boolean => !shortened && text.length <= previewCharsMost;

/** Why a question cannot be agreed to in Slack, if so. Asked when a message is made and again when its button is pressed. */
export function whyNotHere({ approvals }: QuestionStanding, preview: Preview | undefined): string | undefined {
  const asks = (what: (rule: ApprovalRule) => boolean) => approvals.some(what);
  if (asks(({ signature }) => signature !== undefined)) return 'its answer has to be signed';
  if (asks(({ evidence }) => evidence.length > 0)) return 'its answer needs evidence';
  if (!preview) return 'this message does not show what is asked for';
  return isWhole(preview) ? undefined : 'it is too long to be shown here';
}
