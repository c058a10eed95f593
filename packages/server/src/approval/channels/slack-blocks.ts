import type { Json, JsonObject } from '@flyball/protocol';
import { cut, type Message } from './message.js';
import { details, headline } from './words.js';

/** What a button stands for: one question, and the digest of what its message shows. */
export interface ButtonValue {
  readonly hold: string;
  /** Empty where the message shows no preview. */
  readonly seen: string;
}

export interface SlackView {
  /** The whole question, where the channel shows it and it is short enough to be shown whole. */
  readonly preview?: { readonly text: string; readonly digest: string };
  /** Whether people can answer here, and why they can only refuse. */
  readonly buttons: { readonly refusalOnly?: string } | undefined;
}

export const actionIds = { agree: 'flyball_agree', refuse: 'flyball_refuse' } as const;

const sectionMost = 2_900;
const fallbackMost = 1_000;

/** The message as Slack's blocks. Texts of others are only in `plain_text` and `rich_text`, in which Slack obeys no markup. */
export function slackMessage(message: Message, { preview, buttons }: SlackView): JsonObject {
  const lines = details(message).map(([name, value]) => `${name}: ${value}`);
  const blocks: Json[] = [
    plainSection(headline(message)),
    ...(lines.length === 0 ? [] : [plainSection(lines.join('\n'))]),
    ...(preview ? [verbatim(preview.text)] : []),
    ...(buttons?.refusalOnly === undefined ? [] : [plainSection(`This cannot be agreed to here: ${buttons.refusalOnly}. The page has it all.`)]),
    // Nothing of a stranger's is in here: an address of the configuration, and an id of ours.
    { type: 'section', text: { type: 'mrkdwn', text: `<${escapeSlack(message.link)}|Open the page>` } },
    ...(buttons && message.hold !== undefined ? [actions({ hold: message.hold, seen: preview?.digest ?? '' }, buttons.refusalOnly === undefined)] : []),
  ];
  return { text: escapeSlack(cut(headline(message), fallbackMost)), blocks, mrkdwn: false, parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false, metadata: { event_type: 'flyball_notice', event_payload: { key: message.key } } };
}

const plainSection = (text: string): JsonObject => ({ type: 'section', text: { type: 'plain_text', emoji: false, text: cut(escapeSlack(text), sectionMost) } });

const verbatim = (text: string): JsonObject => ({ type: 'rich_text', elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }] });

function actions(value: ButtonValue, canAgree: boolean): JsonObject {
  const button = (id: string, text: string, style: string): JsonObject => ({ type: 'button', action_id: id, style, text: { type: 'plain_text', emoji: false, text }, value: JSON.stringify(value) });
  return { type: 'actions', elements: [...(canAgree ? [button(actionIds.agree, 'Approve', 'primary')] : []), button(actionIds.refuse, 'Refuse', 'danger')] };
}

const escapeSlack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
