import { FlyballError, toFlyballError } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { Post, type PostBounds } from '../../lib/post.js';
import type { Secret } from '../../lib/secret.js';
import type { SlackConfig } from './config.js';
import type { Answers, QuestionsNow } from './questions.js';
import { type NoticeRecord, type NotifiedBody, noticeStream } from './record.js';
import { whyNotHere } from './slack.js';
import { type Press, readPress } from './slack-payload.js';
import { SlackSignature } from './slack-signature.js';

export interface CallbackParts {
  readonly record: Pick<NoticeRecord, 'readStream'>;
  readonly questions: Pick<QuestionsNow, 'standing' | 'preview'>;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly bounds: PostBounds;
}

/** Headers as they came; one that was sent twice is none. */
export type HeaderOf = (name: string) => string | undefined;

const slackResponses = 'https://hooks.slack.com';
const noticesMost = 1_000;

/**
 * Takes presses of buttons in Slack as people's answers. Slack says which account pressed; the configuration says which
 * person that is; the record says what the message showed. Whether that person may answer is asked where it always is.
 */
export class SlackCallback {
  readonly #signature: SlackSignature;
  readonly #under = new Set<Promise<void>>();

  constructor(
    private readonly channel: string,
    private readonly config: SlackConfig,
    private readonly accepted: NonNullable<SlackConfig['answers']>,
    secret: Secret,
    private readonly parts: CallbackParts,
  ) {
    this.#signature = new SlackSignature(secret, parts.clock);
  }

  /** Throws what is wrong with a request that is not Slack's or not one of ours; what is wrong with an answer is told to who pressed. */
  async take(header: HeaderOf, body: Uint8Array): Promise<void> {
    this.#signature.verify(header('x-slack-request-timestamp'), header('x-slack-signature'), body);
    const press = readPress(body);
    if (press.app !== this.accepted.app || press.team !== this.accepted.team) throw new FlyballError('unauthenticated', 'expected another team or app');
    const said = await this.#answer(press).catch((error: unknown) => toFlyballError(error).message);
    this.#respond(press.responseUrl, said);
  }

  /** Resolves when what is under way is done. */
  async close(): Promise<void> {
    await Promise.all(this.#under);
  }

  async #answer({ user, userTeam, ref, agrees, value: { hold, seen } }: Press): Promise<string> {
    const { people, team } = this.accepted;
    const person = userTeam === team && Object.hasOwn(people, user) ? people[user] : undefined;
    if (person === undefined) throw refused('this Slack account is nobody\'s that is known here; answer on the page');
    const showed = await this.#showed(hold, ref);
    const standing = await this.parts.questions.standing(hold);
    if (!showed || !standing) throw refused('this message is about another question; answer on the page');
    if (agrees) await this.#verifyWasSeen(hold, seen, showed, standing);
    await this.parts.answers.answer({ hold, person, agrees, reason: 'answered in Slack', ...(showed.preview !== undefined && { seen: showed.preview }) });
    return agrees ? 'You have agreed; it is recorded.' : 'You have refused; it is recorded.';
  }

  /** What the record says that this message showed of this question. A button that says otherwise was not made here. */
  async #showed(hold: string, ref: string): Promise<{ readonly preview?: string } | undefined> {
    const told = await this.parts.record.readStream(noticeStream(hold), 0, noticesMost);
    const newest = told.map(({ body }) => body as NotifiedBody).findLast((body) => body.channel === this.channel && body.ref === ref && body.hold === hold);
    return newest && (newest.preview === undefined ? {} : { preview: newest.preview });
  }

  async #verifyWasSeen(hold: string, seen: string, showed: { readonly preview?: string }, standing: NonNullable<Awaited<ReturnType<QuestionsNow['standing']>>>): Promise<void> {
    const preview = this.config.show === 'preview' ? await this.parts.questions.preview(hold) : undefined;
    const why = whyNotHere(standing, preview);
    if (why !== undefined) throw refused(`this cannot be agreed to here: ${why}; answer on the page`);
    if (preview?.digest !== seen || showed.preview !== seen) throw refused('this message does not show what is asked for now; answer on the page');
  }

  /** Tells who pressed, and nobody else, and only where Slack listens. That it cannot be told changes nothing. */
  #respond(url: string | undefined, text: string): void {
    if (url === undefined || !URL.canParse(url) || ![slackResponses, new URL(this.config.api).origin].includes(new URL(url).origin)) return;
    const tell = async () => {
      const post = new Post(url, this.parts.bounds);
      try {
        await post.send(JSON.stringify({ response_type: 'ephemeral', replace_original: false, text: escapeText(text) }), { 'content-type': 'application/json; charset=utf-8' });
      } finally {
        await post.close();
      }
    };
    const telling = tell().catch(() => undefined).finally(() => this.#under.delete(telling));
    this.#under.add(telling);
  }
}

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const refused = (message: string) => new FlyballError('approval_refused', message);
