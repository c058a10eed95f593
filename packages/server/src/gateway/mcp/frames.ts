import { FlyballError } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';

/** One message on its way, with what a stream says around it. `data` is the exact text that was sent. */
export interface Frame {
  readonly data: string;
  readonly id?: string;
  readonly retry?: string;
  readonly event?: string;
}

type Chunks = AsyncIterable<Uint8Array>;

/** Messages of a response body, as they come: events of a stream, or JSON texts, one or one a line. */
export function readFrames(body: Chunks, contentType: string): AsyncIterable<Frame> {
  return contentType.includes('text/event-stream') ? readEvents(body) : readJsonTexts(body);
}

/** Decodes UTF-8 that may be cut between any two bytes, and counts: a body without end ends here. */
async function* decode(body: Chunks): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

function grown(buffer: string): string {
  if (buffer.length > limits.responseBytesMax) throw new FlyballError('performed_unknown', `the answer is larger than ${limits.responseBytesMax} bytes`);
  return buffer;
}

/** Server-sent events (WHATWG HTML, section 9.2.6); comments are dropped. */
async function* readEvents(body: Chunks): AsyncIterable<Frame> {
  let buffer = '';
  for await (const text of decode(body)) {
    buffer = grown(buffer + text);
    for (let end = endOfEvent(buffer); end; end = endOfEvent(buffer)) {
      const frame = parseEvent(buffer.slice(0, end.at));
      buffer = buffer.slice(end.next);
      if (frame) yield frame;
    }
  }
}

function endOfEvent(buffer: string): { readonly at: number; readonly next: number } | undefined {
  const match = /\r\n\r\n|\n\n|\r\r/.exec(buffer);
  return match ? { at: match.index, next: match.index + match[0].length } : undefined;
}

function parseEvent(text: string): Frame | undefined {
  const fields = new Map<string, string[]>();
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  if (fields.size === 0) return undefined;
  const last = (name: string) => fields.get(name)?.at(-1);
  const [id, retry, event] = [last('id'), last('retry'), last('event')];
  return { data: (fields.get('data') ?? []).join('\n'), ...(id !== undefined && { id }), ...(retry !== undefined && { retry }), ...(event !== undefined && { event }) };
}

/** One JSON text, or several, each ended by a line break. */
async function* readJsonTexts(body: Chunks): AsyncIterable<Frame> {
  let buffer = '';
  for await (const text of decode(body)) {
    buffer = grown(buffer + text);
    for (let line = buffer.indexOf('\n'); line >= 0; line = buffer.indexOf('\n', line + 1)) {
      const candidate = buffer.slice(0, line);
      if (!isJson(candidate)) continue;
      buffer = buffer.slice(line + 1);
      line = -1;
      yield { data: candidate };
    }
  }
  if (buffer.trim() !== '') yield { data: buffer };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A frame as a server-sent event. */
export function writeEvent({ data, id, retry, event }: Frame): string {
  const fields = [
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...data.split(/\r\n|\n|\r/).map((line) => `data: ${line}`),
  ];
  return `${fields.join('\n')}\n\n`;
}
