import { createHash } from 'node:crypto';
import { noAnswer } from '../../lib/post.js';
import type { MailConfig } from './config.js';
import { cut, type Message } from './message.js';
import { type MailServer, sendLetter } from './smtp.js';
import type { Fate } from './state.js';
import type { Transport } from './transport.js';
import { details, headline } from './words.js';

const recipientsMost = 100;
const subjectMost = 150;

export type MailSecrets = Pick<MailServer, 'user' | 'password' | 'ca'>;

/** Tells people by mail. One message for all who are asked, so that they see who else is. */
export class Mail implements Transport {
  readonly updates = false;
  readonly place: string;
  readonly #server: MailServer;
  readonly #stop = new AbortController();

  constructor(
    private readonly config: MailConfig,
    secrets: MailSecrets,
    private readonly emailsOf: (group: string) => readonly string[],
    timeoutMs: number,
  ) {
    const { host, port, secure } = config;
    this.place = createHash('sha256').update(`${host}:${port}`).digest('hex');
    this.#server = { host, port, secure, timeoutMs, ...secrets };
  }

  targetsOf(): readonly string[] {
    return [''];
  }

  async deliver(message: Message): Promise<Fate> {
    const to = this.#recipients(message.groups);
    if (to.length === 0) return { kind: 'dropped', why: 'nobody in these groups has an address' };
    try {
      await sendLetter(this.#server, { ...toMail(message, this.config.from), to: to.map((address) => ({ name: '', address })) }, this.#stop.signal);
      return { kind: 'delivered' };
    } catch (cause) {
      // A server's words may quote what was sent to it.
      throw noAnswer('expected the mail server to take the message', cause);
    }
  }

  close(): Promise<void> {
    this.#stop.abort();
    return Promise.resolve();
  }

  #recipients(groups: readonly string[]): readonly string[] {
    const { to } = this.config;
    const everybody = Object.hasOwn(to, '*') ? (to['*'] ?? []) : [];
    const ofGroup = (group: string) => (Object.hasOwn(to, group) ? (to[group] ?? []) : this.emailsOf(group));
    const named = groups.flatMap(ofGroup);
    return [...new Set(named.length > 0 ? named : [...everybody, ...(groups.length === 0 ? Object.values(to).flat() : [])])].slice(0, recipientsMost);
  }
}

/** A message and its thread are known by ids of the record, so that one that comes twice is one. */
function toMail(message: Message, from: string) {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const idOf = (key: string) => `<${key.replace(/[^A-Za-z0-9.-]/g, '-')}@${domain}>`;
  const thread = message.hold === undefined ? undefined : idOf(`${message.hold}.asked`);
  const own = idOf(message.key);
  const title = headline(message);
  const lines = details(message);
  return {
    from: { name: 'Flyball', address: from },
    subject: cut(title, subjectMost),
    messageId: own,
    ...(thread !== undefined && thread !== own && { inReplyTo: thread, references: [thread] }),
    // No out-of-office reply is wanted (RFC 3834).
    headers: { 'auto-submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
    date: new Date(message.atMs),
    text: [title, '', ...lines.map(([name, value]) => `${name}: ${value}`), '', message.link, '', advice].join('\n'),
    html: `<p>${escapeHtml(title)}</p><ul>${lines.map(([name, value]) => `<li>${escapeHtml(name)}: ${escapeHtml(value)}</li>`).join('')}</ul><p><a href="${escapeHtml(message.link)}">${escapeHtml(message.link)}</a></p><p>${advice}</p>`,
  };
}

const advice = 'The page has the whole question. The link lets nobody in: whoever opens it has to sign in.';

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');
