import 'reflect-metadata';
import { X509CertificateGenerator } from '@peculiar/x509';
import { createHmac, randomBytes, webcrypto } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { localServer, type LocalServer } from './identity-kit.js';

export const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
};

export interface WebhookDelivery {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly raw: string;
}

/** A receiver of webhooks that believes nobody: what it keeps is signed as Standard Webhooks says, and fresh. */
export class WebhookReceiver {
  readonly kept: WebhookDelivery[] = [];
  readonly refused: string[] = [];
  /** What to answer instead of 204, for what was sent. */
  answer: (delivery: WebhookDelivery, response: ServerResponse) => void = (_delivery, response) => void response.writeHead(204).end();
  server: LocalServer | undefined;

  constructor(private readonly secret: string) {}

  async start(): Promise<this> {
    this.server = await localServer((request, response) => void this.#take(request, response));
    return this;
  }

  get url(): string {
    return `${this.server?.url ?? ''}/hook`;
  }

  ids(): readonly string[] {
    return [...new Set(this.kept.map(({ id }) => id))];
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = (await bodyOf(request)).toString('utf8');
    const header = (name: string) => String(request.headers[name] ?? '');
    const [id, time] = [header('webhook-id'), header('webhook-timestamp')];
    const key = this.secret.startsWith('whsec_') ? Buffer.from(this.secret.slice(6), 'base64') : Buffer.from(this.secret);
    const expected = createHmac('sha256', key).update([id, time, raw].join('.')).digest('base64');
    const fresh = Math.abs(Date.now() / 1_000 - Number(time)) < 300;
    if (header('webhook-signature') !== `v1,${expected}` || !fresh || id === '') {
      this.refused.push(raw);
      return void response.writeHead(401).end();
    }
    const { type, data } = JSON.parse(raw) as Pick<WebhookDelivery, 'type' | 'data'>;
    const delivery = { id, type, data, raw };
    this.kept.push(delivery);
    this.answer(delivery, response);
  }
}

interface SlackBody {
  readonly channel?: unknown;
  readonly ts?: unknown;
  readonly text?: unknown;
  readonly blocks?: readonly SlackBlock[];
}
export interface SlackBlock {
  readonly type: string;
  readonly text?: { readonly type: string; readonly text: string };
  readonly elements?: readonly { readonly type: string; readonly action_id?: string; readonly value?: string; readonly elements?: readonly { readonly type: string; readonly text: string }[] }[];
}
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  text: string;
  blocks: readonly SlackBlock[];
  changes: number;
}

/** A local double of Slack's HTTP API, as far as it is used here: it checks what Slack checks, and presses buttons. */
export class SlackDouble {
  readonly messages: SlackMessage[] = [];
  /** What it found wrong with requests. */
  readonly complaints: string[] = [];
  /** What was sent to response URLs. */
  readonly responses: string[] = [];
  fail: ((method: string) => string | undefined) | undefined;
  server: LocalServer | undefined;
  #ts = 0;

  constructor(
    readonly token: string,
    readonly signingSecret: string,
    private readonly channels: readonly string[],
  ) {}

  async start(): Promise<this> {
    this.server = await localServer((request, response) => void this.#take(request, response));
    return this;
  }

  get api(): string {
    return `${this.server?.url ?? ''}/api`;
  }

  valueOf(message: SlackMessage, actionId: string): string | undefined {
    return message.blocks.flatMap(({ elements = [] }) => elements).find(({ action_id: id }) => id === actionId)?.value;
  }

  /** The form that Slack would send when somebody pressed a button, with its signature. */
  press(message: Pick<SlackMessage, 'channel' | 'ts'>, actionId: string, value: string, over: Readonly<Record<string, unknown>> = {}) {
    const payload = {
      type: 'block_actions',
      api_app_id: 'A1',
      team: { id: 'T1', domain: 'us' },
      user: { id: 'UANN', name: 'ben', username: 'ben', team_id: 'T1' },
      container: { type: 'message', message_ts: message.ts, channel_id: message.channel, is_ephemeral: false },
      actions: [{ action_id: actionId, block_id: 'b', type: 'button', value, action_ts: '1.2' }],
      response_url: `${this.server?.url ?? ''}/respond`,
      // As Slack sends it: something that nobody looks at.
      trigger_id: randomBytes(6).toString('hex'),
      ...over,
    };
    return this.sign(Buffer.from(new URLSearchParams({ payload: JSON.stringify(payload) }).toString()));
  }

  sign(body: Buffer, seconds = Math.floor(Date.now() / 1_000), secret = this.signingSecret) {
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${seconds}:${body.toString('utf8')}`).digest('hex')}`;
    return { body, headers: { 'x-slack-request-timestamp': String(seconds), 'x-slack-signature': signature } as Readonly<Record<string, string>> };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await bodyOf(request)).toString('utf8');
    const answer = (value: unknown) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url === '/respond') {
      this.responses.push(body);
      return answer({ ok: true });
    }
    const method = (request.url ?? '').replace('/api/', '');
    const wrong = this.fail?.(method) ?? this.#fault(request, body);
    if (wrong !== undefined) {
      if (!this.fail) this.complaints.push(wrong);
      return answer({ ok: false, error: wrong });
    }
    const { channel, ts, text = '', blocks = [] } = JSON.parse(body) as SlackBody;
    if (method === 'chat.update') {
      const message = this.messages.find((one) => one.channel === channel && one.ts === ts);
      if (!message) return answer({ ok: false, error: 'message_not_found' });
      Object.assign(message, { text, blocks, changes: message.changes + 1 });
      return answer({ ok: true, channel, ts });
    }
    const message: SlackMessage = { channel: String(channel), ts: `${1_700_000_000 + ++this.#ts}.000100`, text: String(text), blocks, changes: 0 };
    this.messages.push(message);
    answer({ ok: true, channel, ts: message.ts, message: { type: 'message', text } });
  }

  #fault(request: IncomingMessage, body: string): string | undefined {
    if (!['/api/chat.postMessage', '/api/chat.update'].includes(request.url ?? '') || request.method !== 'POST') return 'unknown_method';
    if (request.headers.authorization !== `Bearer ${this.token}`) return 'invalid_auth';
    if (!/^application\/json; ?charset=utf-8$/.test(request.headers['content-type'] ?? '')) return 'invalid_post_type';
    let message: SlackBody;
    try {
      message = JSON.parse(body) as SlackBody;
    } catch {
      return 'invalid_json';
    }
    if (!this.channels.includes(String(message.channel))) return 'channel_not_found';
    if (typeof message.text !== 'string' || message.text === '') return 'no_text';
    return blockFault(message.blocks ?? []);
  }
}

/** Bounds of Block Kit. */
function blockFault(blocks: readonly SlackBlock[]): string | undefined {
  const tooLong = blocks.some(({ text }) => text && (text.text.length > 3_000 || text.text === ''));
  const buttons = blocks.flatMap(({ type, elements = [] }) => (type === 'actions' ? elements : []));
  const ids = buttons.map(({ action_id: id }) => id);
  if (blocks.length > 50 || tooLong || buttons.some(({ value = '' }) => value.length > 2_000) || new Set(ids).size < ids.length) return 'invalid_blocks';
  return blocks.every(({ type }) => ['section', 'actions', 'rich_text', 'context'].includes(type)) ? undefined : 'invalid_blocks';
}

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded parts. */
  readonly text: string;
  readonly html: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface MailHouse {
  readonly port: number;
  readonly letters: readonly Letter[];
  /** Certificate that has to be trusted. */
  readonly ca: string;
  close(): Promise<void>;
}

/** A real SMTP server on the loopback address. */
export async function startMail(options: SMTPServerOptions = {}): Promise<MailHouse> {
  const letters: Letter[] = [];
  const { key, cert } = await selfSigned();
  const server = new SMTPServer({
    key,
    cert,
    authOptional: true,
    disableReverseLookup: true,
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        const raw = Buffer.concat(parts).toString('utf8');
        const { mailFrom, rcptTo } = session.envelope;
        letters.push({ from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address), raw, ...readLetter(raw), secure: session.secure, user: typeof session.user === 'string' ? session.user : undefined });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return { port, letters, ca: cert, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { SubjectAlternativeNameExtension } = await import('@peculiar/x509');
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }])],
  }, webcrypto as Crypto);
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`, cert: certificate.toString('pem') };
}

/** Header fields by their names in small letters, unfolded, and the two bodies of a multipart/alternative. */
function readLetter(raw: string): Pick<Letter, 'headers' | 'text' | 'html'> {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const fields = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const);
  const boundary = /boundary="?([^";\s]+)/.exec(head)?.[1] ?? '';
  const parts = rest.join('\r\n\r\n').split(`--${boundary}`).map((part) => {
    const [partHead = '', ...body] = part.split('\r\n\r\n');
    return { html: /text\/html/i.test(partHead), text: decodePart(partHead, body.join('\r\n\r\n')) };
  });
  return { headers: Object.fromEntries(fields), text: parts.find(({ html, text }) => !html && text.trim() !== '')?.text ?? '', html: parts.find(({ html }) => html)?.text ?? '' };
}

function decodePart(head: string, body: string): string {
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString('utf8');
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_found, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
